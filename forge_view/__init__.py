"""Showing: terminal tables and bars, plots, HTML pages, run pages and cards. Computes nothing that is kept."""
