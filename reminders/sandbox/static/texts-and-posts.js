/* The text messages, by number, and the log of posts to webhooks. */

import { postAgain, reply } from "./control.js";
import { formatTime, make, makePair } from "./phone-cards.js";

const MOST_POSTS = 150;
const threads = document.getElementById("threads");
const posts = document.getElementById("posts");
const template = document.getElementById("thread-template");

export function clearTextsAndPosts() {
  threads.replaceChildren();
  posts.replaceChildren();
}

export function showText(sms) {
  const bubbles = findThread(sms.to).querySelector(".bubbles");
  const id = `sms-${sms.sms_id}`;
  const bubble = document.createElement("li");
  bubble.className = sms.inbound ? "bubble inbound" : "bubble";
  bubble.id = id;
  const status = sms.inbound ? "" : ` · ${sms.reason ? sms.reason.replaceAll("_", " ") : sms.status}`;
  bubble.append(make("span", sms.text), make("small", formatTime(sms.created_at) + status));
  const old = document.getElementById(id);
  if (old) return old.replaceWith(bubble);
  bubbles.append(bubble);
  bubbles.scrollTop = bubbles.scrollHeight;
}

function findThread(number) {
  const found = threads.querySelector(`[data-thread="${number}"]`);
  if (found) return found;
  const thread = template.content.firstElementChild.cloneNode(true);
  thread.dataset.thread = number;
  thread.querySelector(".number").textContent = number;
  const input = thread.querySelector("input");
  input.placeholder = "Reply or STOP";
  input.setAttribute("aria-label", `Reply from ${number}`);
  thread.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value;
    input.value = "";
    await reply(number, text);
  });
  threads.prepend(thread);
  return thread;
}

export function showPost(post) {
  const row = document.createElement("li");
  row.className = "row";
  row.dataset.post = post.id;
  row.dataset.event = post.event;
  const [words, colour] = describeAnswer(post);
  const quiet = [post.body.to, post.body.digit && `key ${post.body.digit}`, post.fault && `fault: ${post.fault}`];
  row.append(
    make("time", formatTime(post.at)),
    makePair(post.event, quiet.filter(Boolean).join(" · ")),
    make("span", words, `chip ${colour}`),
    makeFold(post),
  );
  const old = posts.querySelector(`[data-post="${post.id}"]`);
  if (old) {
    row.querySelector("details").open = old.querySelector("details").open;
    return old.replaceWith(row);
  }
  posts.prepend(row);
  while (posts.children.length > MOST_POSTS) posts.lastElementChild.remove();
}

function describeAnswer(post) {
  if (post.state === "lost") return ["lost", "bad"];
  if (post.state === "held") return ["held back", "half"];
  const last = post.attempts.at(-1);
  if (!last) return ["waiting", ""];
  const words = last.status ? String(last.status) : "no response";
  const tries = post.attempts.length > 1 ? ` · try ${post.attempts.length}` : "";
  const colour = { delivered: "good", waiting: "half" }[post.state] ?? "bad";
  return [words + tries, colour];
}

function makeFold(post) {
  const fold = document.createElement("details");
  const button = make("button", "Post again");
  button.type = "button";
  button.addEventListener("click", () => postAgain(post.id));
  fold.append(make("summary", "Body and URL"), make("p", post.url, "detail"));
  fold.append(make("pre", JSON.stringify(post.body, null, 2)), button);
  return fold;
}
