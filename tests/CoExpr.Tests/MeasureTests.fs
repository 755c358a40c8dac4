namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels

/// Scores of all pairs of small genes by any measure, through a backend.
[<RequireQualifiedAccess>]
module Scored =

    let private valuesOf measure genes =
        match measure with
        | Measure.Spearman -> MidRanks.ofGenes 2 (SmallGenes.values genes)
        | _ -> SmallGenes.values genes

    let private backendOf measure estimator convention (backend: IPairBackend) =
        match measure, estimator with
        | Measure.Custom(_, score), _ -> JointBackend.create score.Invoke
        | _, Estimator.Shrinkage ->
            JointBackend.create (
                InformationEstimate.shrunken (convention = CellsIn.All)
                >> InformationEstimate.score measure
            )
        | _ -> backend

    /// By row and column, row < column: the score and its cells.
    let pairs backend measure estimator signed convention (genes: SmallGenes) =
        let binned, values = SmallGenes.binned genes, valuesOf measure genes
        let scorer = PairScorer.create measure estimator signed binned values
        let task = PairTask(convention, values, Measure.parts signed estimator measure)
        use kernel = (backendOf measure estimator convention backend).Open(binned, task, 1)
        use worker = kernel.NewWorker()
        let block = PairBlock()

        Map [
            for range in kernel.Blocks do
                worker.Score(range, block)
                let scores = Array.zeroCreate<float> block.Width

                for row in range.FirstRow .. range.EndRow - 1 do
                    let first = max (row + 1) range.FirstColumn
                    scorer.ScoreRow(block, row, first, scores)

                    for column in first .. range.EndColumn - 1 do
                        (row, column), (scores[column - range.FirstColumn], scorer.CellsOf(block, row, column))
        ]

    let by measure genes =
        pairs Backend.cpu measure Estimator.PlugIn false CellsIn.All genes

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |], MaxTest = 60)>]
module MeasureTests =

    let private conventions = [ CellsIn.EitherGene; CellsIn.All ]

    let private near tolerance (expected: float) (actual: float) =
        Assert.That(actual, Is.EqualTo(expected).Within(tolerance: float))

    let private agrees tolerance scores expected =
        for KeyValue((row, column), (score, _)) in scores do
            near tolerance (expected row column) score

    let private all measure (reference: float32[] -> float32[] -> float) (genes: SmallGenes) =
        if genes.Cells > 0 then
            agrees 1e-12 (Scored.by measure genes) (fun row column -> reference genes.Values[row] genes.Values[column])

    [<Property>]
    let ``Pearson's correlation is the oracle's`` (genes: SmallGenes) =
        all Measure.Pearson Reference.Measures.pearson genes

    [<Property>]
    let ``Spearman's correlation is the oracle's`` (genes: SmallGenes) =
        all Measure.Spearman Reference.Measures.spearman genes

    [<Property>]
    let ``the cosine is the oracle's`` (genes: SmallGenes) =
        all Measure.Cosine Reference.Measures.cosine genes

    [<Property>]
    let ``the Jaccard index is the oracle's to the bit`` (genes: SmallGenes) =
        let levels = genes.Levels |> Array.map (Array.map float32)

        for KeyValue((row, column), (score, cells)) in Scored.by Measure.Jaccard genes do
            Expect.equal (Reference.Measures.jaccard levels[row] levels[column]) score

            let either =
                Array.map2 (fun a b -> if a > 0uy || b > 0uy then 1 else 0) genes.Levels[row] genes.Levels[column]

            Expect.equal (Array.sum either) cells

    let private entropies corrected convention row column genes =
        Reference.Measures.entropies
            corrected
            (convention = CellsIn.EitherGene)
            (SmallGenes.levels row genes)
            (SmallGenes.levels column genes)

    let private normalised =
        [
            Measure.NormalizedInformation NormalizedBy.Minimum, (fun a b _ -> min a b)
            Measure.NormalizedInformation NormalizedBy.Mean, (fun a b _ -> (a + b) / 2.0)
            Measure.NormalizedInformation NormalizedBy.Joint, (fun _ _ both -> both)
            Measure.MutualInformation, (fun _ _ _ -> 1.0)
        ]
        : (Measure * (float -> float -> float -> float)) list

    let private informationAgrees estimator (genes: SmallGenes) =
        for convention in conventions do
            for measure, divisor in normalised do
                agrees 1e-7 (Scored.pairs Backend.cpu measure estimator false convention genes) (fun row column ->
                    let a, b, both =
                        entropies (estimator = Estimator.MillerMadow) convention row column genes

                    let divisor = divisor a b both
                    // Where the entropy is 0 nothing can be shared; rounding must not divide by it.
                    if divisor < 1e-9 then 0.0 else (a + b - both) / divisor)

    [<Property>]
    let ``information over entropies is the oracle's`` (genes: SmallGenes) =
        informationAgrees Estimator.PlugIn genes

    [<Property>]
    let ``Miller and Madow's correction is the oracle's`` (genes: SmallGenes) =
        informationAgrees Estimator.MillerMadow genes

    [<Property(MaxTest = 30)>]
    let ``shrinkage is the oracle's`` (genes: SmallGenes) =
        for convention in conventions do
            agrees
                1e-11
                (Scored.pairs Backend.cpu Measure.MutualInformation Estimator.Shrinkage false convention genes)
                (fun row column ->
                    Reference.Measures.shrinkage
                        (convention = CellsIn.EitherGene)
                        (SmallGenes.levels row genes)
                        (SmallGenes.levels column genes))

    let private everyMeasure = [
        for estimator in [ Estimator.PlugIn; Estimator.MillerMadow; Estimator.Shrinkage ] do
            for measure, _ in normalised -> measure, estimator
        for measure in [ Measure.Pearson; Measure.Spearman; Measure.Cosine; Measure.Jaccard ] ->
            measure, Estimator.PlugIn
    ]

    let private bits =
        Map.map (fun _ (score: float, cells: int) -> BitConverter.DoubleToInt64Bits score, cells)

    [<Property(MaxTest = 30)>]
    let ``every measure has the same bits whichever gene comes first, on every backend`` (genes: SmallGenes) =
        let reversed = {
            genes with
                Levels = Array.rev genes.Levels
                Highest = Array.rev genes.Highest
                Values = Array.rev genes.Values
        }

        let last = genes.Count - 1

        for measure, estimator in everyMeasure do
            for convention in conventions do
                let score backend =
                    Scored.pairs backend measure estimator (Measure.isInformation measure) convention

                let expected = bits (score Backend.cpu genes)

                let other =
                    bits (score Backend.cpu reversed)
                    |> Map.toSeq
                    |> Seq.map (fun ((row, column), found) -> (last - column, last - row), found)
                    |> Map

                Expect.equal (measure, expected) (measure, other)
                Expect.equal (measure, expected) (measure, bits (score Backend.reference genes))
                Expect.equal (measure, expected) (measure, bits (score (ScatterBackend(20, 3, 2)) genes))

    [<Property(MaxTest = 30)>]
    let ``every score is finite, correlations from -1 to 1, the others of one sign`` (genes: SmallGenes) =
        for measure, estimator in everyMeasure do
            for KeyValue(_, (score, _)) in Scored.pairs Backend.cpu measure estimator false CellsIn.EitherGene genes do
                Assert.That(Double.IsFinite score)

                if
                    measure = Measure.Pearson
                    || measure = Measure.Spearman
                    || measure = Measure.Cosine
                then
                    Assert.That(abs score, Is.LessThanOrEqualTo 1.0)
                elif estimator = Estimator.PlugIn then
                    Assert.That(score, Is.GreaterThanOrEqualTo -1e-8)

    /// Five cells: levels and values are the same; gene 0 is 1 1 2 0 0, gene 1 is 1 1 0 2 0, gene 2 is 3 everywhere.
    let private five =
        let levels = [|
            [| 1uy; 1uy; 2uy; 0uy; 0uy |]
            [| 1uy; 1uy; 0uy; 2uy; 0uy |]
            Array.create 5 3uy
        |]

        {
            Cells = 5
            Levels = levels
            Highest = [| 2uy; 2uy; 3uy |]
            Values = levels |> Array.map (Array.map float32)
        }

    let private first scores = fst (Map.find (0, 1) scores)

    // Sums 4 and 4, squares 6 and 6, products 2: r = (10 − 16) / (30 − 16). Doubled ranks of gene 0 are 7 7 10 3 3, of gene
    // 1 are 7 7 3 10 3; less 6 each 1 1 4 −3 −3 and 1 1 −3 4 −3: squares 36, products 2 − 12 − 12 + 9 = −13.
    [<Test>]
    let ``correlations of a small example`` () =
        Expect.equal (-6.0 / 14.0) (first (Scored.by Measure.Pearson five))
        near 1e-15 (-13.0 / 36.0) (first (Scored.by Measure.Spearman five))
        near 1e-15 (2.0 / 6.0) (first (Scored.by Measure.Cosine five))
        Expect.equal (2.0 / 4.0, 4) (Map.find (0, 1) (Scored.by Measure.Jaccard five))
        Expect.equal 5 (snd (Map.find (0, 1) (Scored.by Measure.Pearson five)))

    [<Test>]
    let ``a constant gene is correlated with none, and a gene with its like by 1`` () =
        Expect.equal 0.0 (fst (Map.find (0, 2) (Scored.by Measure.Pearson five)))
        Expect.equal 0.0 (fst (Map.find (0, 2) (Scored.by Measure.Spearman five)))

        let same = {
            five with
                Levels = Array.create 2 five.Levels[0]
                Highest = [| 2uy; 2uy |]
                Values = Array.create 2 [| 0.1f; 0.1f; 7.3f; 0.0f; 0.0f |]
        }

        for measure in [ Measure.Pearson; Measure.Spearman; Measure.Cosine; Measure.Jaccard ] do
            near 1e-15 1.0 (first (Scored.by measure same))

        for by in [ NormalizedBy.Minimum; NormalizedBy.Mean; NormalizedBy.Joint ] do
            Expect.equal 1.0 (first (Scored.by (Measure.NormalizedInformation by) same))

    // Over all five cells the table is (2,0) → 1, (0,2) → 1, (1,1) → 2, (0,0) → 1: entropies of 1 2 2 are 1.5219 each, of
    // 1 1 2 1 1.9219; 3 rows, 3 columns and 4 cells occupied.
    [<Test>]
    let ``information of a small example`` () =
        let h, both = 1.5219280948873621, 1.9219280948873623
        let mi = 2.0 * h - both

        let score measure estimator =
            first (Scored.pairs Backend.cpu measure estimator false CellsIn.All five)

        near 1e-9 (mi / both) (score (Measure.NormalizedInformation NormalizedBy.Joint) Estimator.PlugIn)
        near 1e-9 (mi / h) (score (Measure.NormalizedInformation NormalizedBy.Mean) Estimator.PlugIn)
        near 1e-9 (mi / h) (score (Measure.NormalizedInformation NormalizedBy.Minimum) Estimator.PlugIn)
        near 1e-9 (mi + 1.0 / (10.0 * log 2.0)) (score Measure.MutualInformation Estimator.MillerMadow)

    // Observed 2/5 once and 1/5 three times among 9 bins: Σp² = 7/25, spread Σ(p − 1/9)² = 7/25 − 1/9, so the intensity
    // is (18/25) / (4 (38/225)) = 1.066, cut to 1: nothing is left to tell.
    [<Test>]
    let ``shrinkage draws a table of few cells all the way`` () =
        near
            1e-15
            0.0
            (first (Scored.pairs Backend.cpu Measure.MutualInformation Estimator.Shrinkage false CellsIn.All five))

    [<Test>]
    let ``the intensity of shrinkage`` () =
        // 100 cells, 60 and 40 of them in two bins: (1 − 0.52) / (99 · 0.02).
        near 1e-15 (0.48 / (99.0 * 0.02)) (InformationEstimate.intensity 100 [| 0.6; 0.4 |])
        near 1e-15 (0.48 / (99.0 * 0.02)) (InformationEstimate.intensity 100 [| 0.4; 0.6 |])
        Expect.equal 1.0 (InformationEstimate.intensity 3 [| 2.0 / 3.0; 1.0 / 3.0 |])
        Expect.equal 1.0 (InformationEstimate.intensity 4 [| 0.5; 0.5 |])
        Expect.equal 0.0 (InformationEstimate.intensity 4 [| 1.0; 0.0 |])

    [<Test>]
    let ``a corrected estimate below 0 has no sign`` () =
        // Independent: two by two bins of one cell each, so 0 bits less 1 / 8 nats; over 4 cells.
        let independent = {
            Cells = 4
            Levels = [| [| 1uy; 1uy; 2uy; 2uy |]; [| 1uy; 2uy; 1uy; 2uy |] |]
            Highest = [| 2uy; 2uy |]
            Values = [| [| 1.0f; 2.0f; 3.0f; 4.0f |]; [| 4.0f; 3.0f; 2.0f; 1.0f |] |]
        }

        let score signed =
            first (
                Scored.pairs Backend.cpu Measure.MutualInformation Estimator.MillerMadow signed CellsIn.All independent
            )

        near 1e-9 (-1.0 / (8.0 * log 2.0)) (score false)
        Expect.equal 0L (BitConverter.DoubleToInt64Bits(score true))

    [<Test>]
    let ``a measure of one's own is given the cells of the convention`` () =
        let total = Measure.custom "cells" (fun joint -> float (JointHistogram.total joint))
        Expect.equal 4.0 (first (Scored.pairs Backend.cpu total Estimator.PlugIn false CellsIn.EitherGene five))
        Expect.equal 5.0 (first (Scored.pairs Backend.cpu total Estimator.PlugIn false CellsIn.All five))

        let corner =
            Measure.custom "corner" (fun joint -> float (joint.Counts[joint.Columns + 1] * 10 + joint.Counts[2]))
        // Twice level 1 with level 1, once level 0 with level 2.
        Expect.equal 21.0 (first (Scored.by corner five))

    [<TestCase(Double.NaN)>]
    [<TestCase(Double.PositiveInfinity)>]
    let ``a measure of one's own that gives no number is refused`` (value: float) =
        let broken = Measure.custom "broken" (fun _ -> value)

        let error =
            Expect.throws<InvalidOperationException>(fun () -> Scored.by broken five |> ignore)

        Assert.That(error.Message, Does.Contain "finite")

    [<Test>]
    let ``mid-ranks of values below, at and above 0`` () =
        // Five cells: −1, 0, 0 (not stored), 2, 2: doubled ranks 2 5 5 9 9.
        Expect.equal
            [| 4.0f; -3.0f; 0.0f; 4.0f |]
            (MidRanks.centredOnZero 5 (ReadOnlySpan [| 2.0f; -1.0f; -0.0f; 2.0f |]))

        Expect.equal [| 1.0f |] (MidRanks.centredOnZero 1 (ReadOnlySpan [| 7.0f |]))
        Expect.refused "NaN" (fun () -> MidRanks.centredOnZero 2 (ReadOnlySpan [| nanf |]))

    [<Property>]
    let ``mid-ranks are the oracle's`` (genes: SmallGenes) =
        for values in genes.Values do
            let expected = Reference.Measures.doubledRanks (Array.append values [| 0.0f |])
            // One more zero stands for the rank of 0; it raises each rank by a constant below, at and above 0.
            let ranks = MidRanks.centredOnZero (values.Length + 1) (ReadOnlySpan values)

            Expect.equal
                (expected[.. values.Length - 1]
                 |> Array.map (fun rank -> float32 (rank - Array.last expected)))
                ranks

    [<Test>]
    let ``names go both ways`` () =
        for name, measure in Measure.named do
            Expect.equal measure (Expect.ok (Measure.parse name))
            Expect.equal name (Measure.optionName measure)
            Expect.equal (name.Replace('-', '_')) (Measure.name measure)

        Expect.says [ "--measure"; "pearsn"; "Did you mean pearson?" ] (Measure.parse "pearsn")
        Expect.equal Estimator.Shrinkage (Expect.ok (Measure.parseEstimator "shrink"))
        Expect.says [ "--estimator"; "miller"; "plugin, miller-madow, shrink" ] (Measure.parseEstimator "miller")
