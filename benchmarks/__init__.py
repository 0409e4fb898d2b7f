"""What cxtools costs and how sure it is: programs to run by hand, and the events they run on."""
