namespace CoExpr.Tests

open System
open FsCheck
open NUnit.Framework
open FsCheck.NUnit
open CoExpr

module RandomTests =

    let private purpose = Purpose.named "test"

    let private stream seed item = Random.stream seed purpose item

    /// Known answers of the authors' Random123 library: counter, key, block.
    let private known = [
        struct (0u, 0u, 0u, 0u), struct (0u, 0u), struct (0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)

        struct (~~~0u, ~~~0u, ~~~0u, ~~~0u),
        struct (~~~0u, ~~~0u),
        struct (0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)

        struct (0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u),
        struct (0xa4093822u, 0x299f31d0u),
        struct (0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)
    ]

    [<Test>]
    let ``blocks are those of Random123`` () =
        for counter, key, block in known do
            Expect.equal block (Philox.block key counter)

    [<Test>]
    let ``the first words of a stream are the first block of its counter`` () =
        let a = Random.stream 0x0000000200000001UL (Purpose.named "") 7
        // The FNV-1a hash of no bytes is its offset.
        let struct (w0, w1, w2, w3) =
            Philox.block (struct (1u, 2u)) (struct (0u, 0u, 7u, 2166136261u))

        Expect.equal [ w0; w1; w2; w3 ] (List.init 4 (fun _ -> a.Word()))

        let struct (next, _, _, _) =
            Philox.block (struct (1u, 2u)) (struct (1u, 0u, 7u, 2166136261u))

        Expect.equal next (a.Word())

    [<Property>]
    let ``a stream does not depend on which others were drawn from before`` seed (NonNegativeInt item) =
        let alone = stream seed item
        let others = List.init 3 (fun i -> stream seed (item + 1 + i))
        let expected = List.init 10 (fun _ -> alone.Word())
        let again = stream seed item

        let mixed =
            List.init 10 (fun _ ->
                others |> List.iter (fun other -> other.Word() |> ignore)
                again.Word())

        expected = mixed

    [<Property>]
    let ``streams of other items, seeds and purposes differ`` seed (NonNegativeInt item) =
        let first (stream: RandomStream) = List.init 4 (fun _ -> stream.Word())
        let own = first (stream seed item)

        own <> first (stream seed (item + 1))
        && own <> first (stream (seed + 1UL) item)
        && own <> first (stream (seed + (1UL <<< 32)) item)
        && own <> first (Random.stream seed (Purpose.named "other") item)

    [<Property>]
    let ``a uniform number is within 0 and 1, and neither`` seed =
        let stream = stream seed 0

        List.init 100 (fun _ -> stream.Uniform())
        |> List.forall (fun u -> u > 0.0 && u < 1.0)

    [<Property>]
    let ``a whole number is below its bound`` seed (PositiveInt bound) =
        let stream = stream seed 0

        List.init 100 (fun _ -> stream.Below bound)
        |> List.forall (fun n -> n >= 0 && n < bound)

    /// Pearson's chi-squared of counts against equal expectations.
    let private chiSquared (counts: int[]) =
        let expected = float (Array.sum counts) / float counts.Length
        counts |> Array.sumBy (fun count -> (float count - expected) ** 2.0 / expected)

    [<Test>]
    let ``each number below a bound is as likely as any other`` () =
        // 2^32 words do not go into 3 · 2^29 numbers. Without rejection the numbers of one remainder by 3 would come up
        // 2 times where the others come up 3 times; with words taken modulo the bound, the numbers of one third.
        let stream = stream 1UL 0
        let draws = Array.init 30000 (fun _ -> stream.Below(3 <<< 29))

        let counted part =
            let counts = Array.zeroCreate 3
            draws |> Array.iter (fun draw -> counts[part draw] <- counts[part draw] + 1)
            counts

        // The 99.99 % point of chi-squared with 2 degrees of freedom is 18.4.
        Assert.That(chiSquared (counted (fun draw -> draw % 3)), Is.LessThan 18.4)
        Assert.That(chiSquared (counted (fun draw -> draw >>> 29)), Is.LessThan 18.4)

    [<Test>]
    let ``a bound of 1 gives 0, and one of 0 is a bug`` () =
        Expect.equal 0 ((stream 1UL 0).Below 1)
        Expect.raises<ArgumentException>(fun () -> (stream 1UL 0).Below 0 |> ignore)

    [<Property>]
    let ``a permutation holds every number once`` seed (NonNegativeInt count) =
        Array.sort ((stream seed 0).Permutation count) = Array.init count id

    [<Test>]
    let ``each order of three is as likely as any other`` () =
        let orders =
            Array.init 12000 (fun item -> (stream 5UL item).Permutation 3)
            |> Array.countBy id
            |> Array.map snd

        Expect.equal 6 orders.Length
        // The 99.99 % point of chi-squared with 5 degrees of freedom is 25.7.
        Assert.That(chiSquared orders, Is.LessThan 25.7)

    [<Test>]
    let ``normal numbers have mean 0, variance 1 and no skew`` () =
        let stream = stream 3UL 0
        let draws = Array.init 40000 (fun _ -> stream.Normal())

        let moment power =
            draws |> Array.averageBy (fun x -> Math.Pow(x, power))
        // Five standard errors of each moment.
        Assert.That(moment 1.0, Is.EqualTo(0.0).Within 0.025)
        Assert.That(moment 2.0, Is.EqualTo(1.0).Within 0.036)
        Assert.That(moment 3.0, Is.EqualTo(0.0).Within 0.097)
        Assert.That(moment 4.0, Is.EqualTo(3.0).Within 0.245)
