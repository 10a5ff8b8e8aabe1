"""What settings are declared with: fields, values, and the registry of a family's kinds."""
