"""What the commands beside `run` do, each wired from the stages; the stages do not know each other."""
