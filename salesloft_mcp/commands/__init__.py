"""What commands do. `cli` declares them, and their module here is imported when they run: it takes a while."""
