"""What a user passes in, values and arrays, is converted or refused; and how objects print."""
