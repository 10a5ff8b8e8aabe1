"""A kind of each family of smartselfie."""
