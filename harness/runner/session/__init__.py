"""What a pytest session noted of itself, read and judged outside its process."""
