"""`python -m smartselfie.training.commands`: the four commands alone."""

from smartselfie.training.commands import app

if __name__ == "__main__":
    app()
