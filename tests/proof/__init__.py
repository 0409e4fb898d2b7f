"""What is promised, proved: nobody twice, nothing lost, whatever dies."""
