namespace CoExpr.Tests

open System
open System.Text.Json
open NUnit.Framework
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr

/// A histogram of 1 to 20 bins.
type Histogram = { Edges: float[]; Counts: int64[] }

type Histograms =
    static member Histogram() =
        gen {
            let! counts = Gen.nonEmptyListOf (Gen.choose (0, 5000)) |> Gen.map (List.truncate 20)
            let! widths = Gen.listOfLength counts.Length (Gen.choose (1, 100))

            return {
                Edges =
                    widths
                    |> List.scan (fun edge width -> edge + float width / 100.0) -1.0
                    |> Array.ofList
                Counts = counts |> List.map int64 |> Array.ofList
            }
        }
        |> Arb.fromGen

[<Properties(Arbitrary = [| typeof<Histograms> |], MaxTest = 100)>]
module FiguresTests =

    let private parsed figure =
        JsonDocument.Parse(Json.write figure.Spec).RootElement

    let rec private at (path: string list) (json: JsonElement) =
        match path with
        | [] -> json
        | name :: rest -> at rest (json.GetProperty name)

    let private rows figure = [
        for row in (parsed figure |> at [ "data"; "values" ]).EnumerateArray() -> row
    ]

    let private number (name: string) (row: JsonElement) = row.GetProperty(name).GetDouble()

    let private texts (json: JsonElement) = [| for item in json.EnumerateArray() -> item.GetString() |]

    let private shownGenes figure =
        ((parsed figure).GetProperty "params").[0].GetProperty "value" |> texts

    /// (gene, gene, score) of every pair drawn, the names in order.
    let private shownPairs figure =
        let genes = shownGenes figure

        [
            for row in rows figure do
                let a, b = genes[int (number "a" row)], genes[int (number "b" row)]
                min a b, max a b, number "score" row
        ]
        |> List.sort

    let private names count =
        Array.init count (fun gene -> $"gene{gene:D2}")

    let private shuffled (names: string[]) (matrix: float[]) =
        let order = (Random.stream 5UL (Purpose.named "shuffle") 0).Permutation names.Length
        let n = names.Length

        order |> Array.map (fun gene -> names[gene]),
        Array.init (n * n) (fun at -> matrix[order[at / n] * n + order[at % n]])

    [<Property>]
    let ``the distribution draws every pair once`` histogram =
        let figure =
            Figures.scoreDistribution ReportSample.correlation histogram.Edges histogram.Counts

        rows figure |> List.sumBy (number "pairs") = float (Array.sum histogram.Counts)

    [<Property>]
    let ``the pairs from a bin up are those of it and all bins above`` histogram =
        let rows =
            rows (Figures.scoreDistribution ReportSample.correlation histogram.Edges histogram.Counts)

        rows
        |> List.forall (fun row ->
            let higher =
                rows |> List.filter (fun other -> number "low" other >= number "low" row)

            number "above" row = List.sumBy (number "pairs") higher)

    [<Test>]
    let ``a histogram's bars, shares and axis are these`` () =
        let figure =
            Figures.scoreDistribution ReportSample.mutualInformation [| 0.0; 0.1; 0.2; 0.4 |] [| 150L; 0L; 50L |]

        let last = rows figure |> List.last
        Assert.That((rows figure).Length, Is.EqualTo 2)

        Expect.equal [ 0.2; 0.4; 50.0; 50.0; 0.25 ] [
            for name in [ "low"; "high"; "pairs"; "above"; "shareAbove" ] -> number name last
        ]

        let axis = parsed figure |> at [ "encoding"; "x"; "title" ]
        Assert.That(axis.GetString(), Is.EqualTo "Mutual information (bits)")
        let ticks = parsed figure |> at [ "encoding"; "y"; "axis"; "values" ]
        Assert.That(ticks.GetRawText(), Is.EqualTo "[1,10,100]")
        Assert.That(figure.Caption, Does.Contain "200 pairs of genes, in 3 bins")

    [<Test>]
    let ``a single pair has a bar of some height`` () =
        let figure =
            Figures.scoreDistribution ReportSample.mutualInformation [| 0.0; 1.0 |] [| 1L |]

        let foot = (parsed figure |> at [ "encoding"; "y2"; "datum" ]).GetDouble()
        let domain = parsed figure |> at [ "encoding"; "y"; "scale"; "domain" ]
        Assert.That(foot, Is.LessThan 1.0)
        Assert.That(domain[0].GetDouble(), Is.EqualTo foot)
        Assert.That(domain[1].GetDouble(), Is.GreaterThan 1.0)

    [<Test>]
    let ``bins below zero have a colour of their own where the sign has a meaning`` () =
        let colour quantity =
            Figures.scoreDistribution quantity [| -1.0; 0.0; 1.0 |] [| 1L; 1L |]
            |> parsed
            |> at [ "encoding"; "color" ]

        Assert.That((colour ReportSample.correlation).GetRawText(), Does.Contain "condition")
        Assert.That((colour ReportSample.mutualInformation).GetRawText(), Does.Not.Contain "condition")

    [<Test>]
    let ``arrays that are no histogram are refused`` () =
        let draw edges counts () =
            Figures.scoreDistribution ReportSample.correlation edges counts

        Expect.refused "3 edges for 3 bins" (draw [| 0.0; 1.0; 2.0 |] [| 1L; 1L; 1L |])
        Expect.refused "0 bins" (draw [| 0.0 |] [||])
        Expect.refused "the edge 1 does not lie above the edge 1" (draw [| 1.0; 1.0 |] [| 1L |])
        Expect.refused "NaN" (draw [| 0.0; nan |] [| 1L |])
        Expect.refused "-4 pairs" (draw [| 0.0; 1.0 |] [| -4L |])

    [<Property(MaxTest = 20)>]
    let ``the heat map shows each kept pair once, whatever the order of genes`` (FsCheck.PositiveInt size) =
        let names = names (2 + size % 30)
        let matrix = ReportSample.blocks true names.Length
        matrix[1] <- nan
        let expected = names.Length * (names.Length - 1) / 2 - 1

        let pairs =
            shownPairs (Figures.clusteredHeatMap ReportSample.correlation names matrix)
        // The missing pair must be missing from both triangles to be missing after a shuffle.
        matrix[names.Length] <- nan

        let again =
            shuffled names matrix
            ||> Figures.clusteredHeatMap ReportSample.correlation
            |> shownPairs

        pairs.Length = expected && pairs = again

    [<Test>]
    let ``the heat map is the same to the letter whatever the order of genes, ties included`` () =
        let names = names 24
        let matrix = ReportSample.blocks false 24
        let figure = Figures.clusteredHeatMap ReportSample.mutualInformation names matrix

        let again =
            shuffled names matrix
            ||> Figures.clusteredHeatMap ReportSample.mutualInformation

        Assert.That(Json.write again.Spec, Is.EqualTo(Json.write figure.Spec))

    [<Test>]
    let ``genes of a block stand side by side`` () =
        let names, matrix = shuffled (names 24) (ReportSample.blocks true 24)

        let genes =
            shownGenes (Figures.clusteredHeatMap ReportSample.correlation names matrix)

        let block (gene: string) = int (gene.Substring 4) / 4

        let borders =
            genes
            |> Array.map block
            |> Array.pairwise
            |> Array.filter (fun (a, b) -> a <> b)

        Assert.That(borders.Length, Is.EqualTo 5)

    [<Test>]
    let ``colours centre on zero where the sign has a meaning, and start there where it has none`` () =
        let domain quantity =
            Figures.clusteredHeatMap quantity [| "A"; "B" |] [| nan; -0.25; -0.25; nan |]
            |> parsed
            |> at [ "encoding"; "color"; "scale" ]

        let ends quantity = [
            for edge in ((domain quantity).GetProperty "domain").EnumerateArray() -> edge.GetDouble()
        ]

        Expect.equal [ -0.25; 0.25 ] (ends ReportSample.correlation)
        Expect.equal [ 0.0; 0.25 ] (ends ReportSample.mutualInformation)
        Assert.That((domain ReportSample.correlation).GetProperty("range").GetString(), Is.EqualTo "diverging")
        Assert.That((domain ReportSample.mutualInformation).GetProperty("range").GetString(), Is.EqualTo "heatmap")

    [<Test>]
    let ``one pair far above all others does not take the colours from them, and the caption says so`` () =
        let matrix = ReportSample.blocks false 20
        matrix[1] <- 9.0
        matrix[20] <- 9.0

        let figure =
            Figures.clusteredHeatMap ReportSample.mutualInformation (names 20) matrix

        let domain = parsed figure |> at [ "encoding"; "color"; "scale"; "domain" ]
        Assert.That(domain[1].GetDouble(), Is.LessThan 1.0)
        Assert.That(figure.Caption, Does.Contain "Colours are full at 0.450 bits, passed by 1 pair;")

    [<Test>]
    let ``colours reach the highest score where nearly all scores are 0`` () =
        let matrix = Array.create 10000 0.0
        matrix[1] <- 0.3

        let domain =
            Figures.clusteredHeatMap ReportSample.mutualInformation (names 100) matrix
            |> parsed
            |> at [ "encoding"; "color"; "scale"; "domain" ]

        Assert.That(domain.GetRawText(), Is.EqualTo "[0,0.3]")

    [<Test>]
    let ``a heat map of no genes, one gene or no kept pair is a valid specification`` () =
        for genes in 0..3 do
            let figure =
                Figures.clusteredHeatMap ReportSample.correlation (names genes) (Array.create (genes * genes) nan)

            Assert.That(rows figure, Is.Empty)
            Assert.That(shownGenes figure, Has.Length.EqualTo genes)

    [<Test>]
    let ``hostile names come back from the specification as they went in, but for what no text can hold`` () =
        let names = ReportSample.hostileNames

        let figure =
            Figures.clusteredHeatMap ReportSample.correlation names (ReportSample.blocks true names.Length)

        Expect.equal (Array.sort names) (Array.sort (shownGenes figure))
        Assert.That(Json.write figure.Spec, Does.Not.Contain "<")

    [<Test>]
    let ``matrices of another size and infinite scores are refused`` () =
        let draw names matrix () =
            Figures.clusteredHeatMap ReportSample.correlation names matrix

        Expect.refused "3 scores for 2 genes, which need 4" (draw [| "A"; "B" |] [| 0.0; 0.0; 0.0 |])
        Expect.refused "score" (draw [| "A"; "B" |] [| 0.0; infinity; 0.0; 0.0 |])

    [<TestCase(0.2, "0.200")>]
    [<TestCase(0.0098765, "0.00988")>]
    [<TestCase(-12.345, "-12.3")>]
    [<TestCase(1234.6, "1,235")>]
    [<TestCase(0.0, "0")>]
    [<TestCase(0.0000123456, "1.23E-05")>]
    let ``amounts have three significant digits`` (score: float, written: string) =
        Assert.That(Quantity.amount ReportSample.correlation score, Is.EqualTo written)
        Assert.That(Quantity.amount ReportSample.mutualInformation score, Is.EqualTo(written + " bits"))
