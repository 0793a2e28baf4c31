"""How a request says who is asking."""
