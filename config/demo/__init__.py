"""What the `demo` command is made of: its own database, the processes it starts, and the story that is played."""
