"""What ``make bench`` runs: the budgets of the design, measured beside named yardsticks on the machine at hand."""
