"""Why a constituent was told of an indicator, or why not; who owns a value, and whether it has been seen (promise P5).

It reads what the stages wrote and asks them by their own rules; it decides nothing.
"""
