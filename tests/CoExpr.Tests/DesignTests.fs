namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr

module FormulaTests =

    let private terms text =
        let formula = Formula.parse text |> Expect.ok
        formula.HasIntercept, formula.Terms |> List.map (List.map (fun v -> v.Column))

    [<Test>]
    let ``reads sums, interactions and crossings`` () =
        Expect.equal (true, [ [ "batch" ]; [ "condition" ] ]) (terms "~ batch + condition")
        Expect.equal (true, [ [ "a" ]; [ "b" ]; [ "a"; "b" ] ]) (terms "~a*b")

        Expect.equal
            (true, [ [ "a" ]; [ "b" ]; [ "a"; "b" ] ])
            (terms "~ a:b + b + a" |> fun (i, t) -> i, [ t[1]; t[0]; t[2] ])

        Expect.equal (7) (terms "~ a*b*c" |> snd |> List.length)
        Expect.equal (true, [ [ "two words" ] ]) (terms "~ `two words`")
        Expect.equal (true, [ [ "a" ] ]) (terms "~ 1 + a + a")

    [<Test>]
    let ``knows designs without intercept and factors of numbers`` () =
        Expect.equal (false, [ [ "a" ] ]) (terms "~ 0 + a")
        Expect.equal (false, [ [ "a" ] ]) (terms "~ a - 1")
        let formula = Formula.parse "~ factor(replicate)" |> Expect.ok

        Expect.equal
            [
                [
                    {
                        Column = "replicate"
                        IsFactor = true
                    }
                ]
            ]
            formula.Terms

    [<TestCase("condition", "begins with ~")>]
    [<TestCase("~", "a term is expected")>]
    [<TestCase("~ a +", "name of a column is expected")>]
    [<TestCase("~ a b", "+ is expected between terms")>]
    [<TestCase("~ a:b", "an interaction with a needs a itself")>]
    [<TestCase("~ a ^ 2", "'^' has no meaning here")>]
    [<TestCase("~ `a", "a backtick is not closed")>]
    [<TestCase("~ a - b", "only - 1")>]
    [<TestCase("~ a + b + a*b:c", "beside '*' is not read")>]
    let ``says what is wrong with it`` (text: string, reason: string) =
        Formula.parse text |> Expect.says [ text; reason ]

[<Properties(Arbitrary = [| typeof<SmallDesigns> |], MaxTest = 50)>]
module DesignTests =

    let private table =
        Bulk.ofColumns (Bulk.sampleNames 4) [|
            "condition", Column.Text [| "b"; "a"; "c"; "b" |]
            "age", Column.Float [| 1.0; 2.0; 4.0; 7.0 |]
            "batch", Column.Integer([| 1L; 2L; 1L; 2L |], [||])
        |]

    let private create references text table =
        Formula.parse text
        |> Result.bind (fun formula -> Design.create "samples" references formula table)

    [<Test>]
    let ``a factor has a column for each level but the first`` () =
        let design = create [] "~ condition" table |> Expect.ok
        Expect.equal [| "Intercept"; "condition_b_vs_a"; "condition_c_vs_a" |] design.Coefficients
        Expect.equal [| 1.; 1.; 0.; 1.; 0.; 0.; 1.; 0.; 1.; 1.; 1.; 0. |] design.Values
        Expect.equal [| 0; 1; 2; 0 |] design.GroupOf

    [<Test>]
    let ``a named reference comes first`` () =
        let design = create [ "condition", "b" ] "~ condition" table |> Expect.ok
        Expect.equal [| "Intercept"; "condition_a_vs_b"; "condition_c_vs_b" |] design.Coefficients

    [<Test>]
    let ``without an intercept the first factor keeps all its levels`` () =
        let design = create [] "~ 0 + condition" table |> Expect.ok
        Expect.equal [| "condition_a"; "condition_b"; "condition_c" |] design.Coefficients
        let weights = Contrast.weights design (Bulk.compareLevels "c" "b") |> Expect.ok
        Expect.equal [| 0.0; -1.0; 1.0 |] weights

    [<Test>]
    let ``numbers are covariates unless they are called factors`` () =
        let numeric = create [] "~ age" table |> Expect.ok
        Expect.equal [| 1.; 1.; 1.; 2.; 1.; 4.; 1.; 7. |] numeric.Values
        let factor = create [] "~ factor(batch)" table |> Expect.ok
        Expect.equal [| "Intercept"; "batch_2_vs_1" |] factor.Coefficients

    /// A tester's years: the fit beside them was wrong in the second digit.
    [<Test>]
    let ``numbers far from 0 beside their spread, or next to none, are refused`` () =
        let refused values =
            Bulk.ofColumns (Bulk.sampleNames 4) [| "year", Column.Float values |]
            |> create [] "~ year"

        refused [| 2018.0; 2019.0; 2020.0; 2021.0 |]
        |> Expect.says [ "column year lies around 2020"; "spreads by 1.118"; "subtract its mean" ]

        refused [| 1e-5; 2e-5; 3e-5; 4e-5 |]
        |> Expect.says [ "column year spreads by 1.118E-05"; "smaller units" ]

        Assert.That((refused [| -1.5; -0.5; 0.5; 1.5 |]).IsOk)
        Assert.That((refused [| 61.0; 60.0; 62.0; 63.0 |]).IsOk)

    [<Test>]
    let ``an interaction is the product of its columns`` () =
        let crossed =
            Bulk.ofColumns (Bulk.sampleNames 6) [|
                "batch", Column.Text [| "x"; "y"; "x"; "y"; "x"; "y" |]
                "condition", Column.Text [| "a"; "a"; "b"; "b"; "b"; "a" |]
            |]

        let design = create [] "~ batch * condition" crossed |> Expect.ok
        Expect.equal [| "Intercept"; "batch_y_vs_x"; "condition_b_vs_a"; "batchy.conditionb" |] design.Coefficients
        Expect.equal [| 0.0; 0.0; 0.0; 1.0; 0.0; 0.0 |] (Bulk.rows design |> Array.map Array.last)

    [<Test>]
    let ``ordered categories keep their order and lose levels without samples`` () =
        let ordered =
            Column.Category {
                Codes = [| 2; 0; 2; 0 |]
                Levels = [| "low"; "middle"; "high" |]
                Ordered = true
            }

        let table = Bulk.ofColumns (Bulk.sampleNames 4) [| "dose", ordered |]
        let design = create [] "~ dose" table |> Expect.ok
        Expect.equal [| "Intercept"; "dose_high_vs_low" |] design.Coefficients

    let private twin =
        Bulk.ofColumns (Bulk.sampleNames 4) [|
            "condition", Column.Text [| "a"; "a"; "b"; "b" |]
            "batch", Column.Text [| "x"; "x"; "y"; "y" |]
            "same", Column.Text [| "x"; "x"; "x"; "x" |]
            "one", Column.Float [| 3.0; 3.0; 3.0; 3.0 |]
            "hole", Column.Text [| "x"; null; "x"; "y" |]
            "nan", Column.Float [| 1.0; 2.0; nan; 3.0 |]
            "id", Column.Text [| "p"; "q"; "r"; "s" |]
            "age", Column.Float [| 1.0; 2.0; 3.0; 5.0 |]
        |]

    [<Test>]
    let ``confounded columns are named`` () =
        create [] "~ batch + condition" twin
        |> Expect.says [
            "condition_b_vs_a cannot be told apart from batch_y_vs_x"
            "confounded"
            "Leave one of them out"
        ]

    [<TestCase("~ same", "column same has the one level x in all samples")>]
    [<TestCase("~ one", "column one is 3 in all samples")>]
    [<TestCase("~ hole", "column hole has no value for sample s1")>]
    [<TestCase("~ nan", "column nan has no value for sample s2")>]
    [<TestCase("~ condtion", "Did you mean condition?")>]
    [<TestCase("~ id + age", "5 coefficients cannot be estimated from 4 samples")>]
    [<TestCase("~ 0", "neither an intercept nor a term is left")>]
    let ``says what is wrong`` (text: string, reason: string) =
        create [] text twin |> Expect.says [ reason ]

    [<Test>]
    let ``references must be levels of columns of the design`` () =
        create [ "condition", "bb" ] "~ condition" twin
        |> Expect.says [ "level of condition"; "bb"; "known: a, b" ]

        create [ "batch", "x" ] "~ condition" twin
        |> Expect.says [ "reference of column"; "batch"; "condition" ]

    [<Test>]
    let ``a level combination without samples is told`` () =
        let hole =
            Bulk.ofColumns (Bulk.sampleNames 6) [|
                "a", Column.Text [| "p"; "p"; "q"; "q"; "q"; "p" |]
                "b", Column.Text [| "x"; "y"; "x"; "x"; "x"; "y" |]
            |]

        create [] "~ a * b" hole
        |> Expect.says [ "aq.by"; "no sample has this combination" ]

    [<Test>]
    let ``contrasts are weights of coefficients`` () =
        let design = create [] "~ condition" table |> Expect.ok

        let weights contrast =
            Contrast.weights design contrast |> Expect.ok

        Expect.equal [| 0.0; 1.0; 0.0 |] (weights (Bulk.compareLevels "b" "a"))
        Expect.equal [| 0.0; -1.0; 0.0 |] (weights (Bulk.compareLevels "a" "b"))
        Expect.equal [| 0.0; -1.0; 1.0 |] (weights (Bulk.compareLevels "c" "b"))

        Expect.equal
            [| 0.0; 0.5; 0.5 |]
            (weights (Contrast.Weights [ "condition_b_vs_a", 0.5; "condition_c_vs_a", 0.5 ]))

        Contrast.weights design (Bulk.compareLevels "d" "a")
        |> Expect.says [ "level of condition"; "known: a, b, c" ]

        Contrast.weights design (Contrast.Levels("dose", "x", "y"))
        |> Expect.says [ "factor"; "dose" ]

        Contrast.weights design (Contrast.Coefficient "age")
        |> Expect.says [ "coefficient"; "age" ]

        Contrast.weights design (Bulk.compareLevels "a" "a")
        |> Expect.says [ "two levels are needed" ]

        Contrast.weights design (Contrast.Weights [ "Intercept", 0.0 ])
        |> Expect.says [ "other than 0" ]

    [<Test>]
    let ``contrasts are read from words, with quotes around what has commas`` () =
        let read words = Contrast.parse words |> Expect.ok
        Expect.equal (Contrast.Levels("condition", "b", "a")) (read "condition,b,a")
        Expect.equal (Contrast.Coefficient "batchy.conditionb") (read "batchy.conditionb")
        Expect.equal (Contrast.Levels("guide", "a,b", "control")) (read "guide,\"a,b\",control")
        Expect.equal (Contrast.Coefficient "guide_a,b_vs_control") (read "\"guide_a,b_vs_control\"")

        for words in [ "condition,b"; "guide,a,b,control"; "guide,\"a,b,control" ] do
            Contrast.parse words
            |> Expect.says [ $"--contrast {words}: column,level,reference"; "double quotes" ]

    [<Property>]
    let ``every row is the row of its group`` (small: SmallDesign) =
        let design = Bulk.design "~ batch + condition" small.Table

        Bulk.rows design
        |> Array.mapi (fun at row ->
            row = design.Rows[design.GroupOf[at] * design.Width .. (design.GroupOf[at] + 1) * design.Width - 1])
        |> Array.forall id

    [<Property>]
    let ``a part of a design is within it, and not the other way round`` (small: SmallDesign) =
        let full = Bulk.design "~ batch + condition" small.Table
        let reduced = Bulk.design "~ batch" small.Table
        Design.isWithin full reduced && not (Design.isWithin reduced full)

    [<Test>]
    let ``replicates are samples of one row`` () =
        let design = create [] "~ condition" table |> Expect.ok
        Expect.equal [| true; false; false; true |] (design.HasReplicates 2)
