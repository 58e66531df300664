"""Reports to look at: a program, its compilation or a diagnosis as one page of HTML."""
