namespace CoExpr.Tests

open System
open System.Text.RegularExpressions
open NUnit.Framework
open CoExpr

/// The page of comparisons: what it says where there is nothing, and how it looks in a browser.
module DifferentialReportTests =

    let private perturbations = [| "STAT1"; "JAK2"; "SPI1" |]

    let private page result =
        DifferentialReport.page "screen.h5ad" [ "CoExpr", "0.1.0" ] result

    [<Test>]
    let ``what there is nothing of is said in a sentence`` () =
        let nothing =
            DifferentialSample.ofRows perturbations [| "G" |] (fun _ _ -> struct (nan, nan, RowStatus.TooFewCells))
            |> page

        for words in
            [
                "No perturbation has a gene with q of at most 0.05"
                "No row has a p-value, so there is nothing to draw"
                "No gene of any perturbation has a q"
                "No gene is a hit of two perturbations"
                "No row has a p-value that could have been below 1"
                "The test was not tried on controls alone"
            ] do
            Assert.That(nothing, Does.Contain words)

        Assert.That(nothing, Does.Not.Contain "data-spec=")
        Assert.That(nothing, Does.Not.Contain "Dispersion against mean")

    [<Test>]
    let ``why there is no trend of dispersions is said`` () =
        let withSource source =
            let chosen = {
                NegativeBinomialScreen.defaults with
                    Dispersion = source
            }

            {
                DifferentialSample.named perturbations ReportSample.genes with
                    Options = {
                        Screen.options with
                            Test = DifferentialTest.NegativeBinomial chosen
                    }
            }
            |> page

        Assert.That(withSource (DispersionSource.Given [| 1.0 |]), Does.Contain "Dispersions were given")

        Assert.That(
            withSource (DispersionSource.EachComparison GeneDispersions.standard),
            Does.Contain "estimated anew for each perturbation"
        )

    [<Test>]
    let ``the summary counts, names the test and warns`` () =
        let made = DifferentialSample.whole perturbations ReportSample.genes

        let low = {
            DifferentialSample.calibration with
                Log10P = [| Array.create 50 -3.0 |]
        }

        let text = page { made with Calibration = Some low }

        Assert.That(
            text,
            Does.Contain
                "Changes of 8 genes by 3 perturbations against 100 cells labelled control, by negative-binomial likelihood-ratio tests: 18 hits"
        )

        Assert.That(text, Does.Contain "Of 50 tests of controls against controls 100.0 % have a p")

    [<Test>]
    let ``the table has the strongest hits first, and words where there is no fold change`` () =
        let made =
            DifferentialSample.ofRows [| "a"; "b" |] [| "G"; "H" |] (fun p g ->
                match p, g with
                | 0, 0 -> struct (-30.0, -2.0, RowStatus.ZeroInPerturbed)
                | 0, _ -> struct (1.25, -400.0, RowStatus.Tested)
                | 1, 0 -> struct (25.0, -3.0, RowStatus.ZeroInReference)
                | _ -> struct (1.0, -1.0, RowStatus.Tested))

        let table = Regex.Match(page made, "<tbody>.*?</tbody>").Value

        let cells =
            Regex.Matches(table, "<tr>(.*?)</tr>")
            |> Seq.map (fun row ->
                Regex.Replace(row.Groups[1].Value.Replace("</td>", "|").Replace("</th>", "|"), "<[^>]*>", "").TrimEnd
                    '|')
            |> List.ofSeq

        Expect.equal
            [
                "a|H|1.25|400|&lt; 1E-307|1.50|2.50"
                "b|G|only in perturbed|3.00|0.00100|1.50|2.50"
                "a|G|none in perturbed|2.00|0.0100|1.50|2.50"
            ]
            cells

        Assert.That(page made, Does.Contain "All 3 hits")

    let private opened genes labels =
        let dom, console =
            DifferentialSample.whole labels genes |> page |> ReportBrowserTests.render

        let dom = ReportBrowserTests.withoutScripts dom
        Assert.That(console, Is.Empty)
        Assert.That(Regex.Matches(dom, "class=\"plot[^>]*data-drawn=\"true\"").Count, Is.EqualTo 6)
        Assert.That(dom, Does.Not.Contain "could not be drawn")
        dom

    [<Test>]
    let ``every figure is drawn, with its axes, and nothing is refused`` () =
        let dom = opened ReportSample.genes perturbations

        for words in
            [
                ">log2 fold change<"
                ">−log10 p<"
                ">Expected −log10 p<"
                ">Observed −log10 p<"
                ">Dispersion<"
                ">STAT1 (7 hits)<"
                ">MS4A1<"
            ] do
            Assert.That(dom, Does.Contain words)

    [<Test>]
    let ``hostile names are drawn as text and run nothing`` () =
        let dom =
            opened ReportSample.hostileNames (Array.distinct ReportSample.hostileNames)

        Assert.That(dom, Does.Not.Contain "data-owned")

    // One page for all steps: starting a browser takes seconds.
    [<Test>]
    let ``the volcano is that of the perturbation chosen or searched for, and the table is searched apart`` () =
        let program =
            """
            const list = document.querySelector("select");
            const input = document.querySelector(".choice input");
            const steps = [];
            const later = (work) => new Promise((done) => setTimeout(() => { work(); setTimeout(done, 300); }, 300));
            const title = () => document.querySelector("#volcano .role-title-text text").textContent;
            const shown = () => [...list.options].map((option) => option.textContent).join(" ");
            const search = (words) => { input.value = words; input.dispatchEvent(new Event("input")); };
            (async () => {
              while (document.querySelectorAll("[data-drawn]").length < 6) await later(() => {});
              steps.push(title());
              await later(() => { list.value = "1"; list.dispatchEvent(new Event("change")); });
              steps.push(title());
              await later(() => search("spi"));
              steps.push(title(), shown());
              await later(() => search("nobody"));
              steps.push(title(), shown());
              await later(() => search(""));
              steps.push(title(), shown());
              steps.push(document.querySelectorAll("#hits tbody tr:not([hidden])").length);
              document.body.dataset.steps = steps.join("; ");
            })();
            """

        let dom, _ =
            DifferentialSample.whole perturbations ReportSample.genes
            |> page
            |> ReportBrowserTests.driven program
            |> ReportBrowserTests.render

        Expect.equal
            [
                "STAT1"
                "JAK2"
                "SPI1"
                "SPI1 (5 hits)"
                "SPI1"
                "SPI1 (5 hits)"
                "SPI1"
                "STAT1 (7 hits) JAK2 (6 hits) SPI1 (5 hits)"
                "18"
            ]
            (Regex.Match(dom, "data-steps=\"([^\"]*)\"").Groups[1].Value.Split "; "
             |> List.ofArray)
