"""A kind of each family, as another package would bring it."""
