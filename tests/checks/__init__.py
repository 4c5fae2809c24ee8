"""What several test files share: checks of one thing, and makers of what they check."""
