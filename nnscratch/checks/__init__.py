"""What a user passes in: single values (arguments.py) and arrays (arrays.py), taken or refused."""
