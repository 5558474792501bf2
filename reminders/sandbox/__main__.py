"""``python -m reminders.sandbox --port 8100``"""

import argparse

from reminders.sandbox.command_line import add_options, read_settings
from reminders.sandbox.server import serve


def main() -> None:
    parser = argparse.ArgumentParser("reminders.sandbox", description="A simulator of Robotalker's servers.")
    add_options(parser)
    settings = read_settings(vars(parser.parse_args()))
    try:
        serve(settings)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
