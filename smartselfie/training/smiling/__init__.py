"""The output `smiling`: its faces, how they are varied for training, and how good it is."""
