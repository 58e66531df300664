"""`python -m tracejet`: the command line."""

from tracejet.command_line.main import main

if __name__ == "__main__":
    main(prog_name="tracejet")
