"""Pages and JupyterLab in a real Chromium."""
