"""`python -m smartselfie` is the command line."""

from smartselfie.cli import main

if __name__ == "__main__":
    main()
