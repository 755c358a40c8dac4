namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels
open CoExpr.Reference

module DiscriminationByTests =

    let private byName name =
        EffectDistance.all |> List.find (fun distance -> distance.Name = name)

    let private references: (string * (int list -> float[] -> float[] -> float)) list = [
        "chebyshev", SuiteMeasures.chebyshev
        "correlation", SuiteMeasures.correlation
        "braycurtis", SuiteMeasures.brayCurtis
        "canberra", SuiteMeasures.canberra
    ]

    let private between distance (x: float[]) (y: float[]) =
        let x, y = Array.copy x, Array.copy y
        distance.Prepare x
        distance.Prepare y
        distance.Between x y

    [<Test>]
    let ``distances agree with SciPy`` () =
        let all = FurtherGolden.part "rows"

        let predicted, real =
            FurtherGolden.rows all "predicted", FurtherGolden.rows all "real"

        for distance in EffectDistance.all do
            FurtherGolden.rows all distance.Name
            |> Array.iteri (fun row ->
                Array.iteri (fun column wanted ->
                    Assert.That(
                        between distance predicted[row] real[column],
                        Is.EqualTo(wanted).Within(1e-14 * max 1.0 (abs wanted)),
                        distance.Name
                    )))

    [<Test>]
    let ``distances of examples by hand`` () =
        let x, y = [| 1.0; -2.0; 0.0 |], [| 3.0; -2.0; 0.0 |]
        Expect.equal 2.0 (between EffectDistance.chebyshev x y)
        Expect.equal 0.25 (between EffectDistance.brayCurtis x y)
        Expect.equal 0.5 (between EffectDistance.canberra x y)
        Expect.equal 0.0 (between EffectDistance.brayCurtis (Array.zeroCreate 3) (Array.zeroCreate 3))
        Expect.equal infinity (between EffectDistance.brayCurtis [| 1.0 |] [| -1.0 |])

        Expect.equal
            1.0
            (between EffectDistance.correlation (Array.create 7 0.1) [| 1.0; 2.0; 3.0; 4.0; 5.0; 6.0; 7.0 |])

        FurtherGolden.near 1e-15 [ 2.0 ] [ between EffectDistance.correlation [| 1.0; 2.0 |] [| 2.0; 1.0 |] ]

    [<Property(MaxTest = 60)>]
    let ``every path of every length gives the same bits, and no distance is below 0`` (seed: int) =
        let random = System.Random seed
        let length = 1 + random.Next 67

        let row () =
            Array.init length (fun _ -> float (random.Next(-3, 4)) / 3.0)

        let x, y = row (), row ()
        let paths = Enum.GetValues<SimdPath>() |> Array.filter Simd.IsSupported

        let same (distance: SimdPath -> float) =
            let found = paths |> Array.map distance
            Array.forall ((=) found[0]) found && found[0] >= 0.0

        let centred path =
            let row = Array.copy x
            FurtherRowDistance.Centre(Span row, path)
            row

        same (fun path -> FurtherRowDistance.BrayCurtis(ReadOnlySpan x, ReadOnlySpan y, path))
        && same (fun path -> FurtherRowDistance.Canberra(ReadOnlySpan x, ReadOnlySpan y, path))
        && (paths |> Array.map centred |> Array.distinct).Length = 1
        && abs (Array.sum (centred SimdPath.Scalar)) < 1e-12
        && FurtherRowDistance.Chebyshev(ReadOnlySpan x, ReadOnlySpan y) = SuiteMeasures.chebyshev [] x y

    [<Test>]
    let ``rows of one length are asked for`` () =
        Expect.refused "1 values where 2 were expected" (fun () ->
            FurtherRowDistance.Chebyshev(ReadOnlySpan [| 1.0; 2.0 |], ReadOnlySpan [| 1.0 |]))

        Expect.refused "1 values where 2 were expected" (fun () ->
            FurtherRowDistance.Canberra(ReadOnlySpan [| 1.0; 2.0 |], ReadOnlySpan [| 1.0 |], SimdPath.Scalar))

    let private draw (seed: int) rows genes levels =
        let random = System.Random seed
        Array.init (rows * genes) (fun _ -> float (random.Next(-levels, levels + 1)))

    let private genes count = Array.init count (fun at -> $"g{at}")

    let private withOptions ties exclusion = {
        Discrimination.defaults with
            Ties = ties
            Exclusion = exclusion
    }

    let private run threads options distance (perturbations: string[]) genes predicted real =
        DiscriminationBy.compute
            threads
            options
            distance
            genes
            perturbations
            (Array.init perturbations.Length id)
            predicted
            real

    /// Values that do not tie by chance, but for two equal rows.
    let private continuous (seed: int) rows genes =
        let random = System.Random seed
        let values = Array.init (rows * genes) (fun _ -> random.NextDouble() - 0.5)
        Array.blit values (5 * genes) values (6 * genes) genes
        values

    // Perturbation p targets gene p of 12; with 40 perturbations most have no target here. Levels are few: many tie. Centred
    // rows that tie by definition alone differ in rounding, so correlations are of values without such ties.
    [<TestCase("chebyshev")>]
    [<TestCase("correlation")>]
    [<TestCase("braycurtis")>]
    [<TestCase("canberra")>]
    let ``places are those of the definition, with targets left out by row and panel`` name =
        let reference = references |> List.find (fst >> (=) name) |> snd
        let perturbations = genes 40
        let predicted = draw 1 40 12 1

        let real =
            if name = "correlation" then
                continuous 2 40 12
            else
                draw 2 40 12 1

        let rows = Array.chunkBySize 12 real

        for exclusion in [ TargetExclusion.Row; TargetExclusion.Panel; TargetExclusion.Nothing ] do
            let found =
                run 3 (withOptions TiePolicy.Stable exclusion) (byName name) perturbations (genes 12) predicted real

            for row in 0..39 do
                let leftOut =
                    match exclusion with
                    | TargetExclusion.Row when row < 12 -> [ row ]
                    | TargetExclusion.Panel -> [ 0..11 ]
                    | _ -> []

                // Rounded, so that what ties by definition ties in the reference, too.
                let distance x y = Math.Round(reference leftOut x y, 10)

                let wanted =
                    PerturbationEvaluation.places distance (Array.sub predicted (row * 12) 12) rows row

                let counts = found.Counts
                Expect.equal wanted (counts.Closer[row], counts.EqualBefore[row], counts.Equal[row])

    [<TestCase(DistanceKind.L1)>]
    [<TestCase(DistanceKind.L2)>]
    [<TestCase(DistanceKind.Cosine)>]
    let ``a distance of one's own gives what the fast way gives, under every rule for ties`` (kind: DistanceKind) =
        let predicted, real = draw 3 30 8 1, draw 4 30 8 1
        predicted[17] <- nan

        let own = {
            Name = "own"
            Prepare = ignore
            Between = fun x y -> RowDistance.Of(kind, ReadOnlySpan x, ReadOnlySpan y, Simd.Current())
        }

        for ties in
            [
                TiePolicy.Stable
                TiePolicy.MidRank
                TiePolicy.Optimistic
                TiePolicy.Pessimistic
                TiePolicy.NumPyLegacy
            ] do
            for denominator in [ RankDenominator.All; RankDenominator.Others ] do
                let options = {
                    withOptions ties TargetExclusion.Nothing with
                        Denominator = denominator
                }

                let fast =
                    Discrimination.compute 2 options (genes 8) (genes 30) (Array.init 30 id) predicted real

                let found = run 2 options own (genes 30) (genes 8) predicted real
                Expect.equal fast[int kind].Scores found.Scores

    [<Property(MaxTest = 15)>]
    let ``threads change nothing`` seed =
        let predicted, real = draw seed 20 6 2, draw (seed + 1) 20 6 2

        let score threads =
            (run threads Discrimination.defaults EffectDistance.canberra (genes 20) (genes 6) predicted real).Scores

        score 1 = score 6

    [<Test>]
    let ``distances that are no number come last`` () =
        let odd = {
            Name = "odd"
            Prepare = ignore
            Between = fun (x: float[]) (y: float[]) -> if y[0] < 0.0 then nan else abs (x[0] - y[0])
        }

        let options = withOptions TiePolicy.MidRank TargetExclusion.Nothing

        let found =
            run 1 options odd (genes 3) (genes 1) [| 5.0; 2.0; 3.0 |] [| -1.0; 2.0; -3.0 |]
        // The first and third have no distance from their own: they share the last two places.
        Expect.equal [| 1.5; 0.0; 1.5 |] found.Ranks
