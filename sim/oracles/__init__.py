"""What a simulation must give: closed forms, recursions along one path, and the campaign that compares with them."""
