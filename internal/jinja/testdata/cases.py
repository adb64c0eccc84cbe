# Templates that each stand for a rule of the language; make.py runs them.
CASES = r'''
{{ 1 }}
'''.strip().split("\n")
