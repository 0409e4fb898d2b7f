"""What the CRM is told, and to which addresses."""
