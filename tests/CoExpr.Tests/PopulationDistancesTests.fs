namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr

module PopulationDistancesTests =

    let private population (rows: float[][]) : PerturbedPopulation = {
        Cells = rows.Length
        Genes = rows[0].Length
        Values = Array.concat rows
    }

    let private golden () =
        let all = FurtherGolden.part "populations"
        all, population (FurtherGolden.rows all "first"), population (FurtherGolden.rows all "second")

    let private measures: (string * (PerturbedPopulation -> PerturbedPopulation -> float)) list = [
        "energy", fun x y -> CellDistances.energy (CellDistances.pairs x y)
        "mean_pairwise", fun x y -> CellDistances.meanPairwise (CellDistances.pairs x y)
        "mmd_linear", fun x y -> CellDistances.linearDiscrepancy (CellDistances.pairs x y)
        "mmd_rbf", fun x y -> CellDistances.gaussianDiscrepancy 1.0 (CellDistances.pairs x y)
        "mmd_poly", fun x y -> CellDistances.quadraticDiscrepancy (CellDistances.pairs x y)
        "sym_kl", GeneDistances.symmetricDivergence
        "ks", GeneDistances.kolmogorovSmirnov
        "mahalanobis", fun x y -> (Mahalanobis.distance x y).Value
    ]

    [<Test>]
    let ``agree with SciPy and scikit-learn`` () =
        let all, first, second = golden ()

        for name, measure in measures do
            let wanted = FurtherGolden.number all name
            Assert.That(measure first second, Is.EqualTo(wanted).Within(1e-11 * max 1.0 wanted), name)

        // 1e-8 is added to standard deviations.
        Assert.That(GeneDistances.welch first second, Is.EqualTo(FurtherGolden.number all "t").Within 1e-6)

    // The reference scales the kernel until it is done; the search ends at an error of 1e-3 of the shares.
    [<Test>]
    let ``the regularised transport is that of scaling the kernel`` () =
        let all, first, second = golden ()
        let found = Sinkhorn.ofPairs (CellDistances.pairs first second)
        Assert.That(found.HasConverged)
        let wanted = FurtherGolden.number all "transport"
        Assert.That(found.Cost, Is.EqualTo(wanted).Within(2e-3 * wanted))

    let private draw (seed: int) cells genes shift =
        let random = System.Random seed
        population (Array.init cells (fun _ -> Array.init genes (fun _ -> shift + float (random.Next 9) / 4.0)))

    [<Property(MaxTest = 25)>]
    let ``both ways alike, and farther for populations that are farther apart`` (seed: int) =
        let first, second, far =
            draw seed 12 3 0.0, draw (seed + 1) 9 3 0.5, draw (seed + 1) 9 3 4.0

        measures
        |> List.filter (fun (name, _) -> name <> "mahalanobis")
        |> List.forall (fun (_, measure) ->
            let found = measure first second

            abs (found - measure second first) < 1e-9 * max 1.0 (abs found)
            // The Gaussian kernel and distribution functions cannot fall apart further than wholly.
            && measure first far >= found - 1e-9)

    [<Property(MaxTest = 25)>]
    let ``a population from itself`` (seed: int) =
        let own = draw seed 10 3 1.0
        let pairs = CellDistances.pairs own own

        abs (CellDistances.linearDiscrepancy pairs) < 1e-12
        && abs (CellDistances.gaussianDiscrepancy 1.0 pairs) < 1e-12
        && GeneDistances.kolmogorovSmirnov own own = 0.0
        && abs (GeneDistances.symmetricDivergence own own) < 1e-12
        && GeneDistances.welch own own = 0.0
        // With pairs of a cell and itself left out the means within exceed that between.
        && CellDistances.energy pairs < 0.0

    [<Property(MaxTest = 25)>]
    let ``the linear discrepancy is the squared distance of means`` (seed: int) =
        let first, second = draw seed 7 4 0.0, draw (seed + 1) 5 4 1.0

        let apart =
            ProfileDistances.euclidean (PerturbedPopulation.means first) (PerturbedPopulation.means second)

        abs (
            CellDistances.linearDiscrepancy (CellDistances.pairs first second)
            - apart * apart
        )
            <
            1e-10

    // 0 and 2 against 1: means 1 and 1; between 1, within 2 (of the pair) and none.
    [<Test>]
    let ``distances of an example by hand`` () =
        let first, second =
            population [| [| 0.0 |]; [| 2.0 |] |], population [| [| 1.0 |]; [| 1.0 |] |]

        let pairs = CellDistances.pairs first second
        Expect.equal 1.0 (CellDistances.meanPairwise pairs)
        Expect.equal (2.0 - 2.0 - 0.0) (CellDistances.energy pairs)
        Expect.equal 0.0 (CellDistances.linearDiscrepancy pairs)
        // Mean of 0, 0, 0, 16 and of four 1s, less twice the mean of 0, 4, 0, 4.
        Expect.equal (4.0 + 1.0 - 2.0 * 2.0) (CellDistances.quadraticDiscrepancy pairs)
        Expect.equal 0.5 (GeneDistances.kolmogorovSmirnov first second)

    [<Test>]
    let ``moving one cell to one other costs the squared distance, and nothing costs nothing`` () =
        let first, second = population [| [| 0.0 |] |], population [| [| 3.0 |] |]
        let found = Sinkhorn.ofPairs (CellDistances.pairs first second)
        Assert.That(found.Cost, Is.EqualTo(9.0).Within 1e-12)

        Expect.equal
            (0.0, true)
            (let own = Sinkhorn.ofPairs (CellDistances.pairs first first) in own.Cost, own.HasConverged)

    // As many to each: 1 to 1 and 3 to 3, at no cost but the entropy's.
    [<Test>]
    let ``transport within one population is that of its entropy alone`` () =
        let own = population [| [| 0.0 |]; [| 100.0 |] |]
        let found = Sinkhorn.ofPairs (CellDistances.pairs own own)
        // ε ln 2, ε = 0.05 times the mean of 0, 10000, 10000, 0.
        Assert.That(found.Cost, Is.EqualTo(0.05 * 5000.0 * log 2.0).Within 1e-6)

    [<Test>]
    let ``without enough cells, or with a gene that follows from others, there is no Mahalanobis distance`` () =
        Expect.equal None (Mahalanobis.distance (draw 1 3 3 0.0) (draw 2 5 3 0.0))
        let first = draw 1 20 2 0.0

        let twice = {
            first with
                Values = Array.init 40 (fun at -> first.Values[at - at % 2])
        }

        Expect.equal None (Mahalanobis.distance twice twice)
        // One gene: the difference of means over the standard deviation of 0 and 2.
        let found =
            Mahalanobis.distance (population [| [| 0.0 |]; [| 2.0 |] |]) (population [| [| 4.0 |] |])

        Assert.That(found.Value, Is.EqualTo(3.0 / sqrt 2.0).Within 1e-15)

    [<Property(MaxTest = 20)>]
    let ``cells are drawn without repetition and by the seed alone`` (seed: uint64) =
        let cells = Array.init 50 (fun at -> 3 * at)
        let drawn = PerturbedPopulation.draw seed 4 20 cells

        drawn = PerturbedPopulation.draw seed 4 20 cells
        && drawn.Length = 20
        && drawn = Array.sort (Array.distinct drawn)
        && drawn |> Array.forall (fun cell -> cell % 3 = 0 && cell < 150)
        && PerturbedPopulation.draw seed 4 50 cells = cells

    let private countsOf (seed: int) mean cells =
        let random = System.Random seed
        // Poisson by a mean that differs from cell to cell.
        Array.init cells (fun _ ->
            let own =
                mean
                * (0.2 + 1.6 * random.NextDouble() + (if random.Next 5 = 0 then 3.0 else 0.0))

            let limit = exp -own
            let mutable product, count = random.NextDouble(), 0

            while product > limit do
                product <- product * random.NextDouble()
                count <- count + 1

            float count)

    [<Property(MaxTest = 40)>]
    let ``the loss of likelihood is that of its definition`` (seed: int) =
        let predicted, real = countsOf seed 3.0 40, countsOf (seed + 1) 5.0 60
        let wanted = Reference.SuiteMeasures.countLoss predicted real
        abs (CountLikelihood.loss predicted real - wanted) < 1e-5 * (1.0 + wanted)

    [<Property(MaxTest = 100)>]
    let ``a loss is none of its own counts, above 0 otherwise, and blind to order`` (seed: int) =
        let predicted, real = countsOf seed 1.0 30, countsOf (seed + 1) 4.0 30
        let loss = CountLikelihood.loss predicted real

        CountLikelihood.loss real real = 0.0
        && loss > 0.0
        && CountLikelihood.loss (Array.rev predicted) (Array.rev real) = loss

    [<Test>]
    let ``losses of counts that vary as Poisson's do, by hand`` () =
        // Means 2 and 1: 1/2 of (2 ln 1 − 2) − (2 ln 2 − 4).
        Assert.That(CountLikelihood.loss [| 2.0; 2.0 |] [| 0.0; 2.0 |], Is.EqualTo(1.0 - log 2.0).Within 1e-14)
        // Half a count among two cells: a mean of 1/4.
        Assert.That(CountLikelihood.loss [| 0.0; 0.0 |] [| 0.0; 2.0 |], Is.EqualTo(log 4.0 - 0.75).Within 1e-14)
        Expect.equal 0.0 (CountLikelihood.loss [| 1.0; 1.0 |] [| 0.0; 2.0 |])
        Expect.equal 0.0 (CountLikelihood.loss [| 0.0; 0.0 |] [| 0.0; 0.0; 0.0 |])
        Expect.equal { Mean = 1.0; Dispersion = 0.0 } (CountLikelihood.fit [| 0.0; 2.0; 1.0 |])
        Assert.That((CountLikelihood.fit [| 0.0; 0.0; 9.0 |]).Dispersion, Is.GreaterThan 1.0)

    [<Test>]
    let ``a likelihood of counts needs counts, and is the mean over genes`` () =
        let real = population [| [| 0.0; 1.0 |]; [| 2.0; 1.0 |] |]
        let predicted = population [| [| 2.0; 1.0 |]; [| 2.0; 1.0 |] |]
        let found = (CountLikelihood.distance predicted real).Value
        Assert.That(found, Is.EqualTo((1.0 - log 2.0) / 2.0).Within 1e-14)
        Expect.equal None (CountLikelihood.distance predicted (population [| [| 0.5; 1.0 |]; [| 2.0; 1.0 |] |]))
        Expect.equal None (CountLikelihood.distance (population [| [| 2.0; -1.0 |]; [| 2.0; 1.0 |] |]) real)
