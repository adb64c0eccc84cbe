package jinja

// Expressions.
type (
	expr interface{}

	constExpr struct{ v Value }
	nameExpr  struct{ name string }
	nsExpr    struct{ name, attr string } // ns.attr as the target of set
	listExpr  struct{ items []expr }
	tupleExpr struct{ items []expr }
	dictExpr  struct{ keys, values []expr }

	// binaryExpr is + - * / // % **, and, or.
	binaryExpr struct {
		op   string
		l, r expr
	}
	concatExpr struct{ items []expr } // a ~ b ~ c
	unaryExpr  struct {               // + - not
		op string
		x  expr
	}
	compareExpr struct { // a < b <= c
		first expr
		ops   []string // == != < <= > >= in, not in
		rest  []expr
	}
	condExpr struct{ test, then, otherwise expr } // otherwise may be nil

	attrExpr struct {
		x    expr
		name string
	}
	itemExpr  struct{ x, key expr }
	sliceExpr struct{ x, from, to, step expr } // each may be nil but x
	callExpr  struct {
		f    expr
		args callArgs
	}
	filterExpr struct {
		x    expr // nil is the text of a block
		name string
		args callArgs
	}
	testExpr struct {
		x    expr
		name string
		args callArgs
	}
)

// callArgs are the arguments of a call; star and starstar may be nil.
type callArgs struct {
	pos            []expr
	names          []string
	values         []expr
	star, starstar expr
}

// Statements.
type (
	stmt interface{}

	textStmt struct{ text string }
	outStmt  struct {
		line int
		x    expr
	}
	ifStmt struct {
		line        int
		test        expr
		then, else_ []stmt
		elif        bool // whether it is the elif of the if around it
	}
	forStmt struct {
		line        int
		target      expr
		iter, test  expr // test may be nil
		recursive   bool
		body, else_ []stmt
		frame       *frame // of the body
		testFrame   *frame
		elseFrame   *frame
	}
	setStmt struct {
		line      int
		target, x expr
	}
	setBlockStmt struct {
		line   int
		target expr
		filter expr // nil, or a chain of filters on the text
		body   []stmt
		frame  *frame
	}
	withStmt struct {
		line            int
		targets, values []expr
		body            []stmt
		frame           *frame
	}
	filterStmt struct {
		line   int
		filter expr
		body   []stmt
		frame  *frame
	}
	macroStmt struct {
		line     int
		name     string // empty for the body of a call block
		params   []string
		defaults []expr // of the last parameters
		body     []stmt
		// Whether the body speaks of the names caller, kwargs and varargs.
		caller, kwargs, varargs bool
		frame                   *frame
	}
	callStmt struct {
		line int
		call *callExpr
		body *macroStmt
	}
	blockStmt struct {
		line  int
		name  string
		body  []stmt
		frame *frame
	}
	generationStmt struct {
		line  int
		body  []stmt
		frame *frame
	}
	loadStmt     struct{ line int } // include, import, from, extends
	breakStmt    struct{}
	continueStmt struct{}
)
