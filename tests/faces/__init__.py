"""What people hold in their hands: commands, notebooks, reports, README."""
