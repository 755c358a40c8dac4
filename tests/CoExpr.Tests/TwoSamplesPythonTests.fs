namespace CoExpr.Tests

open System
open System.Globalization
open System.IO
open NUnit.Framework
open CoExpr
open CoExpr.IO

/// Rank-sum and t-tests against scipy's mannwhitneyu and ttest_ind.
module TwoSamplesPythonTests =

    let private python arguments =
        (Python.run "two_samples.py" arguments).TrimEnd().Split '\n'
        |> Array.map (fun line ->
            line.TrimEnd().Split ' '
            |> Array.map (fun word -> Double.Parse(word, CultureInfo.InvariantCulture)))

    let private rankSum settings alternative =
        DifferentialTest.RankSum settings, alternative

    let private asymptotic continuity = {
        RankSum.standard with
            Continuity = continuity
            Exact = false
    }

    let private welch overestimate =
        DifferentialTest.Welch {
            OverestimateVariance = overestimate
            ConstantGroups = true
        }

    /// The columns of the script, each with what it is here.
    let private columns: (string * (DifferentialTest * TwoSampleAlternative) * (ContrastRows -> float[])) list =
        let p (rows: ContrastRows) = rows.PValue

        let both, greater, less =
            TwoSampleAlternative.TwoSided, TwoSampleAlternative.Greater, TwoSampleAlternative.Less

        [
            "U", rankSum (asymptotic true) both, (fun rows -> rows.Named RankSum.UStatistic)
            "p, continuity", rankSum (asymptotic true) both, p
            "p", rankSum (asymptotic false) both, p
            "p, greater, continuity", rankSum (asymptotic true) greater, p
            "p, less, continuity", rankSum (asymptotic true) less, p
            "p, greater", rankSum (asymptotic false) greater, p
            "p, exact", rankSum RankSum.standard both, p
            "p, exact, greater", rankSum RankSum.standard greater, p
            "p, exact, less", rankSum RankSum.standard less, p
            "t", (welch false, both), (fun rows -> rows.Statistic)
            "p of t", (welch false, both), p
            "p of t, greater", (welch false, greater), p
            "p of t, less", (welch false, less), p
            "t, overestimated", (welch true, both), (fun rows -> rows.Statistic)
            "p of t, overestimated", (welch true, both), p
        ]

    /// scipy lists gene by gene, these rows perturbation by perturbation. NaN of scipy's is a test that it has none of.
    let private largest isWanted (cells: Cells) options perturbations (genes: int[]) (expected: float[][]) = [
        for column, (name, (test, alternative), pick) in List.indexed columns |> List.filter (snd >> isWanted) do
            let result =
                DifferentialExpression.compute
                    Progress.none
                    {
                        options with
                            Test = test
                            Alternative = alternative
                    }
                    cells
                |> Expect.ok

            let ours = pick result.Rows

            let differences = [
                for i in 0 .. genes.Length - 1 do
                    for j in 0 .. Array.length perturbations - 1 do
                        let theirs = expected[i * perturbations.Length + j][column]

                        let place =
                            result.Place(Array.IndexOf(result.Perturbations, perturbations[j]), genes[i])

                        if not (Double.IsNaN theirs) then
                            if theirs = 0.0 then
                                abs ours[place]
                            else
                                abs (ours[place] - theirs) / abs theirs
            ]

            Assert.That(differences, Is.Not.Empty, name)
            name, List.max differences
    ]

    let private agrees (differences: (string * float) list) =
        for name, difference in differences do
            TestContext.Out.WriteLine $"{name}: largest relative difference {difference}"
            Assert.That(difference, Is.LessThan 1e-12, name)

    let private random = System.Random 17

    /// Genes of tied counts, of values without ties, and of values on both sides of 0.
    let private values kind =
        match kind % 3 with
        | 0 -> float32 (max 0 (random.Next(-6, 6)))
        | 1 -> float32 (random.NextDouble())
        | _ -> float32 (random.Next(-20, 20)) / 8.0f

    let private compare (sizes: int[]) =
        TestData.temporaryFolder (fun folder ->
            let group =
                sizes |> Array.mapi (fun group size -> Array.create size group) |> Array.concat

            let genes =
                Array.init 12 (fun kind -> Array.init group.Length (fun _ -> values kind))

            let path = Path.Combine(folder, "values.txt")

            File.WriteAllLines(
                path,
                Array.append
                    [| String.Join(' ', group) |]
                    (genes |> Array.map (fun gene -> String.Join(' ', Array.map Screen.text gene)))
            )

            let screen = {
                Cells = Array.transpose genes
                Genes = genes.Length
                Labels = group |> Array.map (fun g -> if g = 0 then "control" else $"p{g}")
                Batches = Array.create group.Length "x"
            }

            let perturbations = [| for g in 1 .. sizes.Length - 1 -> $"p{g}" |]

            largest
                (fun _ -> true)
                (Screen.cells screen)
                Screen.options
                perturbations
                [| 0 .. genes.Length - 1 |]
                (python [ path ])
            |> agrees)

    [<Test>]
    let ``a few cells: scipy says the same, exact tests included`` () = compare [| 14; 5; 9; 20 |]

    [<Test>]
    let ``hundreds of cells: scipy says the same`` () =
        // Without a small group there would be no exact test to compare.
        compare [| 30; 400; 150; 12 |]

    [<Test>]
    let ``papalexi's knock-outs: scipy says the same`` () =
        let path = TestData.require "papalexi_eccite_20k.h5ad"
        let cells = Input.read Input.standard path |> Expect.ok
        let labels = [| "STAT1"; "JAK2"; "SPI1" |]
        let step = 6

        let expected =
            python ([ path; "perturbation"; "non-targeting"; string step ] @ Array.toList labels)

        let genes = [| 0..step .. cells.Counts.Genes - 1 |]

        let options = {
            DifferentialExpression.defaults with
                Control = Some "non-targeting"
        }

        Assert.That(expected.Length, Is.EqualTo(genes.Length * labels.Length))

        // No two groups here have 50 cells without ties.
        let isAsymptotic (name: string, _, _) = not (name.Contains "exact")
        largest isAsymptotic cells options labels genes expected |> agrees
