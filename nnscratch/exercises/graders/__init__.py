"""What an answer must fulfil: one module an exercise, with a function `grade` of a Trial."""
