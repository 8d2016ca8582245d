"""How a run happens: ``workflow`` lists its steps in order, each is a module of its own."""
