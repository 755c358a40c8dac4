namespace CoExpr.Tests

open System
open System.Text.RegularExpressions
open NUnit.Framework
open CoExpr

/// The page of an evaluation: what it says, and how it looks in a browser.
module EvaluationReportTests =

    let private side =
        lazy
            (RealSide.create Progress.none (Some OwnTables.rankSum) PerturbedSample.options PerturbedSample.real.Value
             |> Expect.ok)

    let private evaluate predicted =
        RealSide.evaluate Progress.none PerturbedSample.options side.Value None predicted
        |> Expect.ok

    let private intervals: IntervalOptions = {
        Intervals.defaults with
            Resamples = 50
    }

    let private reported name (found: Evaluated) = {
        ReportedModel.Name = name
        Result = found.Result
        Intervals = Intervals.ofResult 1 intervals found.Result
        Tables = found.Tables
    }

    let private good =
        lazy (evaluate (PerturbedSample.predicted (fun _ row -> row)) |> reported "good")

    let private bad =
        lazy
            (let response = snd (PerturbedSample.draw 3) |> Array.item 20

             evaluate (PerturbedSample.predicted (fun label row -> if label = "control" then row else response))
             |> reported "<b>bad</b>")

    let private alone model = {
        Models = [| model |]
        Baseline = None
        Ceiling = None
        Differences = [||]
    }

    let private page content =
        EvaluationReport.page "real.h5ad" [ "CoExpr", "0.1.0" ] content

    /// The cells of a measure's row, without markup.
    let private cellsOf name (html: string) =
        let row =
            Regex.Match(html, $"<tr><th scope=\"row\">{Regex.Escape name}</th>(.*?)</tr>").Groups[1].Value

        [
            for cell in Regex.Matches(row, "<td[^>]*>(.*?)</td>") ->
                Regex.Replace(cell.Groups[1].Value, "<span[^>]*>", " | ").Replace("</span>", "")
        ]

    [<Test>]
    let ``a measure stands beside baseline and ceiling, with its interval`` () =
        let baseline =
            (RealSide.baseline Progress.none PerturbedSample.options MeanOf.AllLabels side.Value
             |> Expect.ok)
                .Result

        let ceiling =
            Ceiling.evaluate
                Progress.none
                CeilingHalves.Disjoint
                0UL
                None
                PerturbedSample.options
                PerturbedSample.real.Value
            |> Expect.ok

        let html =
            page {
                alone good.Value with
                    Baseline = Some baseline
                    Ceiling = Some ceiling
            }

        let mean name (result: EvaluationResult) =
            (Aggregates.ofColumn (PerturbedSample.column name result)).Mean

        let shown (value: float) = Wording.score value

        let interval =
            good.Value.Intervals |> Array.find (fun interval -> interval.Name = "mae")

        Expect.equal
            [
                "0"
                shown (mean "mae" baseline)
                $"{shown interval.Value} | {shown interval.Low} to {shown interval.High}"
                shown (mean "mae" ceiling)
            ]
            (cellsOf "mae" html)

        // The ceiling was taken without tables.
        Expect.equal "" (cellsOf "roc_auc" html |> List.last)
        Assert.That(html, Does.Contain "good by 28 measures over 12 perturbations.")
        Assert.That(html, Does.Contain "Nothing about the predictions gave rise to a warning.")

    [<Test>]
    let ``several models are marked by what their difference says, and warned of by name`` () =
        let models = [| good.Value; bad.Value |]

        let compared =
            models
            |> Array.map (fun model -> Comparison.ofResult model.Name model.Result)
            |> Comparison.compute 1 intervals None
            |> Expect.ok

        let html =
            page {
                alone good.Value with
                    Models =
                        models
                        |> Array.mapi (fun at model ->
                            if at = 0 then
                                model
                            else
                                {
                                    model with
                                        Result.Notes = "Genes were put in order." :: model.Result.Notes
                                })
                    Differences = compared.Differences
            }

        Assert.That(html, Does.Contain "&lt;b&gt;bad&lt;/b&gt;: Genes were put in order.")
        Assert.That(Regex.Matches(html, "Values: logarithms").Count, Is.EqualTo 1)
        Assert.That(html, Does.Not.Contain "good: Values")
        let mae = cellsOf "mae" html
        Assert.That(mae[1], Does.Not.Contain "▼")
        Assert.That(mae[2], Does.Contain "▼")
        Assert.That(html, Does.Contain "▼ worse than good")
        Assert.That(html, Does.Contain "&lt;b&gt;bad&lt;/b&gt;: All 12 predicted effects point the same way")
        Assert.That(html, Does.Not.Contain "<b>bad")
        Assert.That(html, Does.Contain "2 models by 28 measures")

    [<Test>]
    let ``the worst perturbation by all measures stands first`` () =
        let spoilt =
            evaluate (PerturbedSample.predicted (fun label row -> if label = "g3" then Array.rev row else row))
            |> reported "spoilt"

        let rows = WorstPerturbations.rows [| spoilt |]
        Expect.equal "g3" rows[0].Perturbation
        Expect.equal 12 rows.Length
        Assert.That(rows |> Array.map _.Standing, Is.Ordered)
        Assert.That(rows |> Array.forall (fun row -> row.Standing >= 0.0 && row.Standing <= 1.0))

    [<Test>]
    let ``standings are means of places`` () =
        let result = {
            good.Value.Result with
                Perturbations = [| "a"; "b"; "c" |]
                Columns = [|
                    MetricColumn.full "mae" [| 0.1; 0.2; 0.3 |]
                    MetricColumn.full "roc_auc" [| 0.5; 0.5; nan |]
                    MetricColumn.full "de_nsig_counts_real" [| 9.0; 1.0; 5.0 |]
                    MetricColumn.scalar "pearson_edistance" 3 0.5
                |]
        }

        let rows = WorstPerturbations.rows [| { good.Value with Result = result } |]

        Expect.equal [| "c", 0.0; "b", 0.5; "a", 0.75 |] (rows |> Array.map (fun row -> row.Perturbation, row.Standing))
        Expect.equal "mae" rows[0].WorstBy

    [<Test>]
    let ``what there is nothing of is left out or said`` () =
        let bare = {
            good.Value with
                Tables = None
                Intervals = [||]
                Result = {
                    good.Value.Result with
                        Columns = [||]
                }
        }

        let html = page (alone bare)

        for words in [ "No measure has a number for any perturbation"; "No measure that judges" ] do
            Assert.That(html, Does.Contain words)

        Assert.That(html, Does.Not.Contain "data-spec=")
        Expect.refused "there is no model" (fun () -> page { alone bare with Models = [||] })

    [<Test>]
    let ``every figure is drawn, for several models, and nothing is refused`` () =
        let dom, console =
            page {
                alone good.Value with
                    Models = [| good.Value; bad.Value |]
            }
            |> ReportBrowserTests.render

        let dom = ReportBrowserTests.withoutScripts dom
        Assert.That(console, Is.Empty)
        Assert.That(Regex.Matches(dom, "class=\"plot[^>]*data-drawn=\"true\"").Count, Is.EqualTo 3)
        Assert.That(dom, Does.Not.Contain "could not be drawn")

        for words in
            [
                "Share of perturbations"
                "Place of the own perturbation"
                "Precision"
                "Recall"
            ] do
            Assert.That(dom, Does.Contain words)
