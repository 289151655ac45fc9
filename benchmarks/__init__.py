"""How long archdsl takes, side by side with what it is compared to."""
