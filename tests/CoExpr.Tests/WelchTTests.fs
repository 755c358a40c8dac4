namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr

[<Properties(Arbitrary = [| typeof<ManyScreens> |], MaxTest = 300)>]
module WelchTTests =

    let private compute settings options screen =
        Screen.compute
            {
                options with
                    Test = DifferentialTest.Welch settings
            }
            screen

    let private close (a: float) (b: float) =
        a = b || abs (a - b) <= 1e-9 * max 1.0 (max (abs a) (abs b))

    // Perturbed 1, 3 (mean 2, variance 2), control 0, 0, 3 (mean 1, variance 3): t = 1/√(1 + 1), ν = 4/(1 + 1/2).
    let private known = {
        Cells = [| 1.0f; 0.0f; 3.0f; 3.0f; 0.0f |] |> Array.map Array.singleton
        Genes = 1
        Labels = [| "a"; "control"; "a"; "control"; "control" |]
        Batches = Array.create 5 "x"
    }

    [<Test>]
    let ``a case worked by hand`` () =
        let result = compute WelchT.standard Screen.options known
        Assert.That(result.Rows.Statistic[0], Is.EqualTo(1.0 / sqrt 2.0).Within 1e-15)
        Assert.That((result.Rows.Named WelchT.Degrees)[0], Is.EqualTo(8.0 / 3.0).Within 1e-14)
        Expect.equal 1.0 result.Rows.Effect[0]
        Expect.equal 2.0 result.Rows.Mean[0]
        Expect.equal 1.0 result.Rows.ReferenceMean[0]
        Assert.That(result.Rows.LogFoldChange[0], Is.EqualTo(1.0).Within 1e-8)

    // The reference's variance over 2 cells, not 3: t = 1/√(1 + 3/2), ν = 6.25/(1 + 2.25).
    [<Test>]
    let ``with the reference's variance overestimated`` () =
        let result =
            compute
                {
                    WelchT.standard with
                        OverestimateVariance = true
                }
                Screen.options
                known

        Assert.That(result.Rows.Statistic[0], Is.EqualTo(1.0 / sqrt 2.5).Within 1e-15)
        Assert.That((result.Rows.Named WelchT.Degrees)[0], Is.EqualTo(6.25 / 3.25).Within 1e-14)

    let private isConstant (xs: float[]) = xs |> Array.forall ((=) xs[0])

    let private t x (y: float[]) =
        fst (CoExpr.Reference.WelchT.statistic x y y.Length)

    let private agrees isReference options (screen: Screen) =
        let result =
            compute
                {
                    WelchT.standard with
                        ConstantGroups = true
                }
                options
                screen

        let usual = (compute WelchT.standard options screen).Rows

        List.forall id [
            for p in 0 .. result.Perturbations.Length - 1 do
                for gene in 0 .. screen.Genes - 1 ->
                    let label, place = result.Perturbations[p], result.Place(p, gene)
                    let x = Screen.values gene (fun cell -> screen.Labels[cell] = label) screen

                    let y =
                        Screen.values gene (fun cell -> isReference label screen.Labels[cell]) screen

                    if x.Length < 2 || y.Length < 2 then
                        result.Rows.Status[place] = RowStatus.TooFewCells
                        && Double.IsNaN result.Rows.PValue[place]
                    elif isConstant x && isConstant y then
                        if x[0] = y[0] then
                            result.Rows.PValue[place] = 1.0
                        else
                            result.Rows.Status[place] = RowStatus.NoVariance
                            && Double.IsNaN result.Rows.PValue[place]
                    elif isConstant x || isConstant y then
                        usual.Status[place] = RowStatus.NoVariance
                        && Double.IsNaN usual.PValue[place]
                        && close (t x y) result.Rows.Statistic[place]
                    else
                        let t, degrees = CoExpr.Reference.WelchT.statistic x y y.Length

                        close t result.Rows.Statistic[place]
                        && result.Rows.PValue[place] = usual.PValue[place]
                        && close degrees (result.Rows.Named(WelchT.Degrees)[place])
        ]

    [<Property>]
    let ``against the control: the textbook says the same`` screen =
        agrees (fun _ label -> label = "control") Screen.options screen

    [<Property>]
    let ``against the rest: the textbook says the same`` screen =
        agrees (fun own label -> not (isNull label) && label <> own) { Screen.options with Control = None } screen

    // Values of 2^20 and a little: a difference of sums of squares would keep 2 of 16 digits.
    [<Test>]
    let ``means far from 0 lose nothing`` () =
        let screen = {
            known with
                Cells = known.Cells |> Array.map (Array.map (fun x -> 1048576.0f + x / 8.0f))
        }

        let result = compute WelchT.standard Screen.options screen
        Assert.That(result.Rows.Statistic[0], Is.EqualTo(1.0 / sqrt 2.0).Within 1e-9)

    [<Property>]
    let ``does not change when all values are doubled`` (screen: Screen) =
        let doubled = {
            screen with
                Cells = screen.Cells |> Array.map (Array.map ((*) 2.0f))
        }

        let a, b =
            compute WelchT.standard Screen.options screen, compute WelchT.standard Screen.options doubled

        Expect.equal a.Rows.PValue b.Rows.PValue
        Expect.equal a.Rows.Statistic b.Rows.Statistic
        true

    [<Property>]
    let ``the bits do not depend on threads`` (screen: Screen) =
        let compute threads =
            (compute
                WelchT.standard
                {
                    Screen.options with
                        Threads = threads
                }
                screen)
                .Rows

        Expect.equal (compute 1) (compute 3)
        true

    [<Test>]
    let ``strata are refused`` () =
        Screen.cells known
        |> DifferentialExpression.welch Progress.none WelchT.standard {
            Screen.options with
                Batch = Some "batch"
        }
        |> Expect.says [ "--batch batch: only the rank-sum test takes strata" ]
