package jinja

import (
	"math"
	"math/big"
	"math/bits"
)

// isNumber reports whether v is an int, a float or a bool, which is an int in Python.
func isNumber(v Value) bool {
	switch v.(type) {
	case bool, int, *big.Int, float64:
		return true
	}
	return false
}

// toInt returns the value of an int that fits, or a bool.
func toInt(v Value) (int, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int:
		return v, true
	}
	return 0, false
}

// toBig returns the value of an int or a bool.
func toBig(v Value) (*big.Int, bool) {
	if b, ok := v.(*big.Int); ok {
		return b, true
	}
	if i, ok := toInt(v); ok {
		return big.NewInt(int64(i)), true
	}
	return nil, false
}

// Int returns the [Value] of an int of any size.
func Int(b *big.Int) Value {
	if b.IsInt64() {
		return int(b.Int64())
	}
	return b
}

// toFloat returns the value of a number as a float; it is an error of Python if an int is too large.
func toFloat(v Value) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		if math.IsInf(f, 0) {
			return 0, errorf("OverflowError", "int too large to convert to float")
		}
		return f, nil
	}
	i, _ := toInt(v)
	return float64(i), nil
}

// compareNumbers compares exactly, ints with floats too. It returns false if one is NaN.
func compareNumbers(a, b Value) (int, bool) {
	x, ok1 := toInt(a)
	y, ok2 := toInt(b)
	if ok1 && ok2 {
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	if f, ok := a.(float64); ok && math.IsNaN(f) {
		return 0, false
	}
	if f, ok := b.(float64); ok && math.IsNaN(f) {
		return 0, false
	}
	return exact(a).Cmp(exact(b)), true
}

// exact returns a number without rounding it.
func exact(v Value) *big.Float {
	if f, ok := v.(float64); ok {
		return new(big.Float).SetFloat64(f)
	}
	b, _ := toBig(v)
	return new(big.Float).SetInt(b)
}

// maxBits is the size of the largest int that a template can make.
const maxBits = 1 << 17

// arithmetic computes a op b of numbers; op is + - * / // % or **.
func arithmetic(op string, a, b Value) (Value, error) {
	_, af := a.(float64)
	_, bf := b.(float64)
	if af || bf {
		x, err := toFloat(a)
		if err != nil {
			return nil, err
		}
		y, err := toFloat(b)
		if err != nil {
			return nil, err
		}
		return floatArithmetic(op, x, y)
	}
	x, ok1 := toInt(a)
	y, ok2 := toInt(b)
	if ok1 && ok2 {
		if v, ok := smallArithmetic(op, x, y); ok {
			return v, nil
		}
	}
	p, _ := toBig(a)
	q, _ := toBig(b)
	return bigArithmetic(op, p, q)
}

// smallArithmetic computes what stays in the range of int.
func smallArithmetic(op string, x, y int) (Value, bool) {
	switch op {
	case "+":
		s := x + y
		return s, (s > x) == (y > 0)
	case "-":
		s := x - y
		return s, (s < x) == (y > 0)
	case "*":
		hi, lo := bits.Mul64(uint64(max(x, -x)), uint64(max(y, -y)))
		return x * y, hi == 0 && lo < 1<<63 && x != math.MinInt && y != math.MinInt
	case "//", "%":
		if y == 0 || x == math.MinInt {
			return nil, false
		}
		q, r := x/y, x%y
		if r != 0 && (r < 0) != (y < 0) {
			q, r = q-1, r+y
		}
		if op == "//" {
			return q, true
		}
		return r, true
	case "/":
		const exactInts = 1 << 53
		if y == 0 || x > exactInts || x < -exactInts || y > exactInts || y < -exactInts {
			return nil, false
		}
		return float64(x) / float64(y), true
	}
	return nil, false
}

func bigArithmetic(op string, x, y *big.Int) (Value, error) {
	z := new(big.Int)
	switch op {
	case "+":
		return Int(z.Add(x, y)), nil
	case "-":
		return Int(z.Sub(x, y)), nil
	case "*":
		if x.BitLen()+y.BitLen() > maxBits {
			return nil, errorf("LimitError", "an int of more than %d bits", maxBits)
		}
		return Int(z.Mul(x, y)), nil
	case "/":
		if y.Sign() == 0 {
			return nil, errorf("ZeroDivisionError", "division by zero")
		}
		f, _ := new(big.Rat).SetFrac(x, y).Float64()
		if math.IsInf(f, 0) {
			return nil, errorf("OverflowError", "integer division result too large for a float")
		}
		return f, nil
	case "//", "%":
		if y.Sign() == 0 {
			if op == "%" {
				return nil, errorf("ZeroDivisionError", "integer modulo by zero")
			}
			return nil, errorf("ZeroDivisionError", "integer division or modulo by zero")
		}
		q, r := z.QuoRem(x, y, new(big.Int))
		if r.Sign() != 0 && (r.Sign() < 0) != (y.Sign() < 0) {
			q.Sub(q, big.NewInt(1))
			r.Add(r, y)
		}
		if op == "//" {
			return Int(q), nil
		}
		return Int(r), nil
	}
	if y.Sign() < 0 {
		a, err := toFloat(x)
		if err != nil {
			return nil, err
		}
		b, err := toFloat(y)
		if err != nil {
			return nil, err
		}
		return floatPower(a, b)
	}
	if x.BitLen() > 1 && (!y.IsInt64() || y.Int64() > maxBits || int64(x.BitLen())*y.Int64() > maxBits) {
		return nil, errorf("LimitError", "an int of more than %d bits", maxBits)
	}
	if x.BitLen() <= 1 { // 0, 1, -1
		y = new(big.Int).And(y, big.NewInt(1)).Add(new(big.Int).And(y, big.NewInt(1)), big.NewInt(int64(2*min(y.Sign(), 1))))
	}
	return Int(z.Exp(x, y, nil)), nil
}

func floatArithmetic(op string, x, y float64) (Value, error) {
	switch op {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	case "**":
		return floatPower(x, y)
	}
	if y == 0 {
		return nil, errorf("ZeroDivisionError", "%s", map[string]string{
			"/": "float division by zero", "//": "float floor division by zero", "%": "float modulo"}[op])
	}
	if op == "/" {
		return x / y, nil
	}
	mod := math.Mod(x, y)
	div := (x - mod) / y
	if mod != 0 {
		if (y < 0) != (mod < 0) {
			mod += y
			div--
		}
	} else {
		mod = math.Copysign(0, y)
	}
	if op == "%" {
		return mod, nil
	}
	if div == 0 {
		return math.Copysign(0, x/y), nil
	}
	floor := math.Floor(div)
	if div-floor > 0.5 {
		floor++
	}
	return floor, nil
}

// floatPower is Python's float power, correctly rounded but for the rarest cases: x^y is the product of x^n, n the integral
// part of y, and of the square roots of x that the binary digits of the rest name, with 300 bits.
func floatPower(x, y float64) (Value, error) {
	integral := y == math.Trunc(y)
	odd := integral && math.Mod(y, 2) != 0
	switch {
	case y == 0 || x == 1:
		return 1.0, nil
	case math.IsNaN(x) || math.IsNaN(y):
		return math.NaN(), nil
	case x == 0 && y < 0:
		return nil, errorf("ZeroDivisionError", "0.0 cannot be raised to a negative power")
	case x == 0:
		if odd {
			return x, nil
		}
		return 0.0, nil
	case math.IsInf(y, 0):
		switch a := math.Abs(x); {
		case a == 1:
			return 1.0, nil
		case (a > 1) == (y > 0):
			return math.Inf(1), nil
		}
		return 0.0, nil
	case math.IsInf(x, 0):
		r := 0.0
		if y > 0 {
			r = math.Inf(1)
		}
		if x < 0 && odd {
			r = math.Copysign(r, -1)
		}
		return r, nil
	case x < 0 && !integral:
		return nil, typeErrorf("complex numbers are not supported")
	}
	sign := 1.0
	if x < 0 && odd {
		sign = -1
	}
	x = math.Abs(x)
	if x == 1 {
		return sign, nil
	}
	// |log2 x| is at least 2^-53 and at most 1074, and lies between e-1 and e.
	_, e := math.Frexp(x)
	if e > 1 && float64(e-1)*y > 1100 || e < 0 && float64(e)*y > 1100 {
		return nil, errorf("OverflowError", "(34, 'Numerical result out of range')")
	}
	if e > 1 && float64(e-1)*y < -1200 || e < 0 && float64(e)*y < -1200 {
		return math.Copysign(0, sign), nil
	}
	const prec = 300
	n, frac := math.Modf(math.Abs(y))
	r := big.NewFloat(1).SetPrec(prec)
	base := new(big.Float).SetPrec(prec).SetFloat64(x)
	for p := new(big.Float).Copy(base); n > 0; n = math.Floor(n / 2) {
		if math.Mod(n, 2) == 1 {
			r.Mul(r, p)
		}
		if n > 1 {
			p.Mul(p, p)
		}
	}
	for one := big.NewFloat(1); frac > 0 && base.Cmp(one) != 0; {
		base.Sqrt(base)
		if frac *= 2; frac >= 1 {
			r.Mul(r, base)
			frac--
		}
	}
	if y < 0 {
		r.Quo(big.NewFloat(1).SetPrec(prec), r)
	}
	f, _ := r.Float64()
	if math.IsInf(f, 0) {
		return nil, errorf("OverflowError", "(34, 'Numerical result out of range')")
	}
	return math.Copysign(f, sign), nil
}

// negate is Python's unary minus of a number.
func negate(v Value) Value {
	switch v := v.(type) {
	case float64:
		return -v
	case *big.Int:
		return Int(new(big.Int).Neg(v))
	}
	i, _ := toInt(v)
	if i == math.MinInt {
		return new(big.Int).Neg(big.NewInt(int64(i)))
	}
	return -i
}
