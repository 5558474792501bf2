// Writes built/: of Tabler's styles and icons, what our pages use. `make install` and the Dockerfile run it.
// It does nothing while built/ is newer than everything it reads.
import { mkdirSync, existsSync, globSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { PurgeCSS } = createRequire(import.meta.url)("purgecss");

process.chdir(join(import.meta.dirname, ".."));
const STYLES = "node_modules/@tabler/core/dist/css/tabler.min.css";
const ICONS = "node_modules/@tabler/icons/icons/outline";
const BUILT = { styles: "built/tabler.css", icons: "built/icons.svg" };
// Where names of classes and icons stand: pages, what makes HTML, and scripts.
const OURS = ["templates/**/*.html", "{config,contacts,reminders,webhooks}/**/*.py", "static/*.js"];
// crispy-forms writes the fields of our forms.
const FORMS = ".venv/lib/*/site-packages/crispy_bootstrap5/templates/**/*.html";

const ours = globSync(OURS);
const forms = globSync(FORMS);
if (!existsSync(STYLES)) throw new Error(`${STYLES} is missing: run \`make install\``);
if (!forms.length) throw new Error(`${FORMS} is missing: run \`make install\``);

const newest = Math.max(...[...ours, ...forms, "package-lock.json", import.meta.filename].map((file) => statSync(file).mtimeMs));
const isFresh = Object.values(BUILT).every((file) => existsSync(file) && statSync(file).mtimeMs > newest);
if (!isFresh) {
  mkdirSync("built", { recursive: true });
  write(BUILT.styles, await purgeStyles());
  write(BUILT.icons, drawSprite());
}

// What a page names by any word of its source stays, so that a class put together of two words must be
// written out somewhere, if only in a comment.
async function purgeStyles() {
  const [found] = await new PurgeCSS().purge({
    content: [...ours, ...forms],
    css: [STYLES],
    keyframes: true,
    safelist: { standard: ["html", "body", ":root", "disabled", "show", "active", "is-invalid", "was-validated"] },
  });
  const licence = readFileSync(STYLES, "utf8").match(/\/\*![^]*?\*\//)?.[0] ?? "";
  const styles = found.css.replace(/\/\*[^]*?\*\//g, "").replace(/^@charset "[^"]*";/, "");
  return `@charset "utf-8";\n${licence}\n${styles}\n`;
}

// Each icon is a symbol, shown by <use href="…/icons.svg#name">. Every quoted word that is the name of an icon
// counts as used: some are chosen in Python.
function drawSprite() {
  const names = new Set();
  for (const file of ours) {
    const source = readFileSync(file, "utf8");
    for (const [, name] of source.matchAll(/["']([a-z][a-z0-9-]*)["']/g)) names.add(name);
    for (const [, name] of source.matchAll(/{% icon ["']([^"']+)["']/g)) {
      if (!existsSync(`${ICONS}/${name}.svg`)) throw new Error(`${file}: Tabler has no icon "${name}"`);
    }
  }
  const symbols = [...names].sort().map((name) => [name, `${ICONS}/${name}.svg`]).filter(([, file]) => existsSync(file));
  const drawn = symbols.map(([name, file]) => {
    const drawing = readFileSync(file, "utf8").match(/<svg[^>]*>([^]*)<\/svg>/)[1].replace(/\s*\n\s*/g, "");
    return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">${drawing}</symbol>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">\n<!-- Tabler Icons, MIT licence: https://github.com/tabler/tabler-icons/blob/main/LICENSE -->\n${drawn.join("\n")}\n</svg>\n`;
}

// Whoever reads meanwhile gets the old file or the new one, never a half.
function write(file, text) {
  writeFileSync(`${file}.${process.pid}`, text);
  renameSync(`${file}.${process.pid}`, file);
}
