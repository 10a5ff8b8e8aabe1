"""What the demo source shows: drawn people in a drawn room, without a picture file."""
