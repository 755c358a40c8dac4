namespace CoExpr.Tests

open System
open CoExpr
open CoExpr.Kernels
open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit

/// Tails of many values at a time.
module TailColumnsTests =

    let private near allowed (expected: float) (actual: float) =
        expected = actual
        || Double.IsNaN expected && Double.IsNaN actual
        || abs (actual - expected) <= allowed * abs expected

    let private normal (z: float[]) : (float * float)[] =
        let p: float[] = Array.zeroCreate z.Length
        let log10P: float[] = Array.zeroCreate z.Length
        TailKernel.NormalUpper(ReadOnlySpan z, Span p, Span log10P)
        Array.zip p log10P

    let private student (t: float[]) (degrees: float[]) : (float * float)[] =
        let p: float[] = Array.zeroCreate t.Length
        let log10P: float[] = Array.zeroCreate t.Length
        TailKernel.StudentBoth(ReadOnlySpan t, ReadOnlySpan degrees, Span p, Span log10P)
        Array.zip p log10P

    let private normalOf z = (normal [| z |])[0]
    let private studentOf degrees t = (student [| t |] [| degrees |])[0]

    [<Test>]
    let ``the normal tail from -40 to far out is that of one value at a time`` () =
        let z = [| -40.0 .. 0.037..60.0 |]

        Array.iter2
            (fun z (p, log10P) ->
                let struct (expected, expectedLog) = NormalTail.upperAndLog10 z

                if expected > 1e-300 then
                    Assert.That(near 3e-13 expected p, $"{z}: {p}, not {expected}")

                // Next to 0 the scalar logarithm of 1 less little is rounded.
                Assert.That(
                    abs (log10P - expectedLog) <= 1e-13 * abs expectedLog + 1e-16,
                    $"{z}: {log10P}, not {expectedLog}"
                ))
            z
            (normal z)

    /// By mpmath, 50 digits.
    [<Test>]
    let ``normal tails that are known`` () =
        for z, expected in
            [
                0.0, 0.5
                1.0, 0.15865525393145705141
                1.959963984540054, 0.025000000000000010876
                8.0, 6.2209605742717841235e-16
                20.0, 2.7536241186062336951e-89
                37.0, 5.7255712225245768227e-300
                30.1, 2.4226672179857587657e-199
                36.73, 1.2127374624816334468e-295
                25.37, 2.7035875582210913499e-142
            ] do
            Assert.That(near 1e-15 expected (fst (normalOf z)), $"{z}: {fst (normalOf z)}")

    [<Test>]
    let ``no difference has a p of 1, to the last digit`` () =
        Expect.equal 0.5 (fst (normalOf 0.0))
        Expect.equal 0.5 (fst (normalOf -0.0))
        Expect.equal (1.0, 0.0) (studentOf 100.0 0.0)

    [<Test>]
    let ``what is no number or infinite`` () =
        let found = normal [| nan; infinity; -infinity; 1e200; 45.0 |]
        Assert.That(fst found[0], Is.NaN)
        Assert.That(snd found[0], Is.NaN)
        Expect.equal (0.0, -infinity) found[1]
        Expect.equal (1.0, 0.0) found[2]
        Expect.equal (0.0, -infinity) found[3]
        Expect.equal 0.0 (fst found[4])

        Assert.That(snd found[4], Is.EqualTo(NormalTail.log10Upper 45.0).Within 1e-10)

    [<Test>]
    let ``Student's tail is the incomplete beta function, wherever it is given`` () =
        for degrees in [ 60.0; 61.5; 99.9; 250.0; 3e3 ] do
            let t = [| -12.0 .. 0.173..40.0 |]

            Array.iter2
                (fun t (p, log10P) ->
                    let struct (expected, expectedLog) = StudentTail.bothAndLog10 degrees t

                    if Double.IsNaN p then
                        Assert.That(log (1.0 + t * t / degrees), Is.GreaterThan 0.69999)
                    else
                        Assert.That(near 2e-12 expected p, $"{t} of {degrees}: {p}, not {expected}")

                        Assert.That(
                            abs (log10P - expectedLog) <= 1e-12 * abs expectedLog + 1e-14,
                            $"{t} of {degrees}: {log10P}, not {expectedLog}"
                        ))
                t
                (student t (Array.create t.Length degrees))

    /// By mpmath, 50 digits.
    [<Test>]
    let ``Student's tails that are known`` () =
        for degrees, t, expected in
            [
                60.0, 0.5, 0.61890395943798310255
                60.0, 2.0, 0.050033043651457448828
                100.0, 8.0, 2.2728648077280806474e-12
                250.5, 3.25, 0.0013121735436043265076
                3000.0, 20.0, 1.231631814006799278e-83
                1000000.0, 5.0, 5.733997870890741569e-7
                77.25, -4.5, 0.000023646380540517716401
                100000.0, -2.831, 0.0046411977523326975338
                1000000000.0, 3.0, 0.0026997961297379156678
                1000000000.0, 30.0, 9.8154196879674616324e-198
                100000.0, 0.01, 0.99202130731882315629
            ] do
            let found = fst (studentOf degrees t)
            // The exponent is rounded once.
            Assert.That(near (1e-14 - 2e-16 * log expected) expected found, $"{t} of {degrees}: {found}")

    [<Test>]
    let ``few degrees of freedom are left to others`` () =
        for degrees in [ 59.0; 2.0; 0.0; nan ] do
            Assert.That(fst (studentOf degrees 1.0), Is.NaN)

        Assert.That(fst (studentOf 100.0 nan), Is.NaN)

    [<Property>]
    let ``what stands beside a value changes no bit`` (seed: uint16) (PositiveInt count) =
        let stream = Random.stream (uint64 seed) (Purpose.named "tails") 0
        let z = Array.init (1 + count % 40) (fun _ -> 4.0 * stream.Normal())
        let degrees = z |> Array.map (fun _ -> 60.0 + 1000.0 * stream.Uniform())
        let alone = Array.map normalOf z

        let aloneOfT = Array.map2 studentOf degrees z

        let bits =
            Array.map (fun (p: float, l: float) -> BitConverter.DoubleToInt64Bits p, BitConverter.DoubleToInt64Bits l)

        bits (normal z) = bits alone && bits (student z degrees) = bits aloneOfT

    let private rows (statistics: float[]) =
        let made = ContrastRows.create 1 statistics.Length []
        Array.blit statistics 0 made.Statistic 0 statistics.Length
        made

    [<Test>]
    let ``columns are filled by the alternative, and what has a p keeps it`` () =
        let statistics = Array.init 5000 (fun at -> float (at % 97) / 11.0 - 4.0)
        statistics[7] <- nan

        for alternative, expected in
            [
                TwoSampleAlternative.TwoSided, (fun z -> 2.0 * NormalTail.upper (abs z))
                TwoSampleAlternative.Greater, NormalTail.upper
                TwoSampleAlternative.Less, (fun z -> NormalTail.upper -z)
            ] do
            let made = rows statistics
            made.PValue[3] <- 0.125
            TailColumns.normal alternative made
            Expect.equal 0.125 made.PValue[3]
            Assert.That(made.PValue[7], Is.NaN)

            for at in [ 0; 1; 100; 2047; 2048; 4999 ] do
                Assert.That(near 1e-13 (expected statistics[at]) made.PValue[at])
                Assert.That(near 1e-12 (log10 (expected statistics[at])) made.Log10P[at])

    [<Test>]
    let ``of t, too, with few and many degrees of freedom side by side`` () =
        let statistics = Array.init 5000 (fun at -> float (at % 97) / 11.0 - 4.0)
        let degrees = Array.init 5000 (fun at -> if at % 3 = 0 then 5.0 else 300.0)

        for alternative, expected in
            [
                TwoSampleAlternative.TwoSided, StudentTail.both
                TwoSampleAlternative.Greater, StudentTail.upper
                TwoSampleAlternative.Less, (fun degrees t -> StudentTail.upper degrees -t)
            ] do
            let made = rows statistics
            TailColumns.student alternative degrees made

            for at in [ 0; 1; 2; 3; 100; 2047; 2048; 4999 ] do
                Assert.That(near 1e-12 (expected degrees[at] statistics[at]) made.PValue[at])
