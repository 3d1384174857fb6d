import unittest

from calculator import add, mean


class CalculatorTest(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(2, 3), 5)

    def test_mean(self):
        self.assertEqual(mean([1, 2, 6]), 3)


if __name__ == "__main__":
    unittest.main()
