"""The queues of tasks and who takes them: the one list that routes, `make run`, health and tests derive from.

docker-compose.yml and docs/operations.md can import nothing; tests hold them equal to this list.
"""

DISPATCH_QUEUE = "dispatch"
ASKING_QUEUE = "asking"
SWEEPS_QUEUE = "sweeps"
EVENTS_QUEUE = "events"
FOLDERS_QUEUE = "folders"  # for the machine whose disk IMPORT_FOLDER is on; of several, one takes it

# Each worker with its queues. What waits for Robotalker is one worker's, so that a Robotalker which hangs
# can't starve what only needs the database. Patients' answers are another's: staff see them at once, however
# long a list that is being imported.
WORKERS = {
    "dispatcher": (DISPATCH_QUEUE, ASKING_QUEUE),
    "worker": (SWEEPS_QUEUE, FOLDERS_QUEUE),
    "applier": (EVENTS_QUEUE,),
}
# Of these none may have all children of a worker that takes several (config/worker_places.py).
KEPT_APART = (DISPATCH_QUEUE, ASKING_QUEUE)
