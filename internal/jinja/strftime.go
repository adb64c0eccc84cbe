package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// strftime is that of C in the locale "C", with the flags of glibc: - no padding, _ blanks, 0 zeros, ^ capitals, # other case.
func strftime(format string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		start := i
		i++
		var flag byte
		upper, swap := false, false
		for i < len(format) && strings.IndexByte("-_0^#", format[i]) >= 0 {
			switch format[i] {
			case '^':
				upper = true
			case '#':
				swap = true
			default:
				flag = format[i]
			}
			i++
		}
		width := 0
		for i < len(format) && format[i] >= '0' && format[i] <= '9' {
			width = min(10*width+int(format[i]-'0'), 100)
			i++
		}
		if i < len(format) && (format[i] == 'E' || format[i] == 'O') {
			i++
		}
		if i >= len(format) {
			b.WriteString(format[start:])
			break
		}
		c, size := utf8.DecodeRuneInString(format[i:])
		i += size - 1
		s, number, ok := directive(c, t)
		switch {
		case !ok:
			b.WriteString(format[start : i+1])
			continue
		case number > 0: // padded to so many places
			pad := "0"
			if strings.ContainsRune("ekl", c) {
				pad = " "
			}
			switch flag {
			case '-':
				number = 0
			case '_':
				pad = " "
			case '0':
				pad = "0"
			}
			s = strings.Repeat(pad, max(0, max(number, width)-len(s))) + s
		case width > len(s):
			pad := " "
			if flag == '0' {
				pad = "0"
			}
			s = strings.Repeat(pad, width-len(s)) + s
		}
		if upper || swap && strings.ContainsRune("aAbBh", c) {
			s = strings.ToUpper(s)
		} else if swap && (c == 'p' || c == 'Z') {
			s = strings.ToLower(s)
		}
		b.WriteString(s)
	}
	return b.String()
}

// directive returns what one letter stands for, and to how many places it is padded if it is a number.
func directive(c rune, t time.Time) (s string, places int, ok bool) {
	num := func(n, places int) (string, int, bool) { return strconv.Itoa(n), places, true }
	all := func(f string) (string, int, bool) { return strftime(f, t), 0, true }
	hour12 := (t.Hour()+11)%12 + 1
	weekday := int(t.Weekday())
	isoYear, isoWeek := t.ISOWeek()
	switch c {
	case 'a':
		return t.Format("Mon"), 0, true
	case 'A':
		return t.Format("Monday"), 0, true
	case 'b', 'h':
		return t.Format("Jan"), 0, true
	case 'B':
		return t.Format("January"), 0, true
	case 'c':
		return all("%a %b %e %H:%M:%S %Y")
	case 'C':
		return num(t.Year()/100, 2)
	case 'd':
		return num(t.Day(), 2)
	case 'D', 'x':
		return all("%m/%d/%y")
	case 'e':
		return num(t.Day(), 2)
	case 'f': // Python's own
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), 0, true
	case 'F':
		return all("%Y-%m-%d")
	case 'g':
		return num(isoYear%100, 2)
	case 'G':
		return num(isoYear, 1)
	case 'H', 'k':
		return num(t.Hour(), 2)
	case 'I', 'l':
		return num(hour12, 2)
	case 'j':
		return num(t.YearDay(), 3)
	case 'm':
		return num(int(t.Month()), 2)
	case 'M':
		return num(t.Minute(), 2)
	case 'n':
		return "\n", 0, true
	case 'p':
		return t.Format("PM"), 0, true
	case 'P':
		return t.Format("pm"), 0, true
	case 'r':
		return all("%I:%M:%S %p")
	case 'R':
		return all("%H:%M")
	case 's':
		return strconv.FormatInt(t.Unix(), 10), 0, true
	case 'S':
		return num(t.Second(), 2)
	case 't':
		return "\t", 0, true
	case 'T', 'X':
		return all("%H:%M:%S")
	case 'u':
		return num((weekday+6)%7+1, 1)
	case 'U':
		return num((t.YearDay()+6-weekday)/7, 2)
	case 'V':
		return num(isoWeek, 2)
	case 'w':
		return num(weekday, 1)
	case 'W':
		return num((t.YearDay()+6-(weekday+6)%7)/7, 2)
	case 'y':
		return num(t.Year()%100, 2)
	case 'Y':
		return num(t.Year(), 1)
	case 'z', 'Z': // of a time without zone, as datetime.now() is
		return "", 0, true
	case '%':
		return "%", 0, true
	}
	return "", 0, false
}
