"""Names that look like other names: what makes them alike, and how much that says. Pure.

What is compared is never two names but their *forms* (`forms`): a form of the name that arrives equals a form that was
made at registration (`subject`), so either side finds the other by an equality.
"""
