"""Wrong answers, a module an exercise: (what is wrong, the change to the right one, diagnosis)."""
