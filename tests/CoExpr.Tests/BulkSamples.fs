namespace CoExpr.Tests

open System
open System.Globalization
open System.IO
open FsCheck
open FsCheck.FSharp
open CoExpr

/// Tables of numbers that other programs wrote.
[<RequireQualifiedAccess>]
module TextTable =

    let number (text: string) =
        match text with
        | "NA"
        | "" -> nan
        | "TRUE" -> 1.0
        | "FALSE" -> 0.0
        | text -> Double.Parse(text, CultureInfo.InvariantCulture)

    /// Rows of fields, the header first; R's quotes are taken off.
    let ofText (text: string) =
        let delimiter = if text.Contains '\t' then '\t' else ','

        text.Split([| '\n' |], StringSplitOptions.RemoveEmptyEntries)
        |> Array.map (fun line -> line.TrimEnd('\r').Split delimiter |> Array.map (fun field -> field.Trim '"'))

    let read path = ofText (File.ReadAllText path)

    /// One column of numbers by its name.
    let column name (rows: string[][]) =
        let at = Array.IndexOf(rows[0], name)
        rows[1..] |> Array.map (fun row -> number row[at])

    let names (rows: string[][]) =
        rows[1..] |> Array.map (fun row -> row[0])

    /// A table of samples; columns that are numbers throughout are numbers.
    let samples (rows: string[][]) =
        let typed at =
            let texts = rows[1..] |> Array.map (fun row -> row[at])

            if
                texts
                |> Array.forall (fun t -> Double.TryParse(t, CultureInfo.InvariantCulture) |> fst)
            then
                Column.Float(texts |> Array.map number)
            else
                Column.Text texts

        {
            Names = names rows
            Columns = [| for at in 1 .. rows[0].Length - 1 -> rows[0][at], typed at |]
        }

    /// Counts, one row per gene.
    let counts (rows: string[][]) =
        let samples = rows[0][1..]
        let values = rows[1..] |> Array.collect (fun row -> row[1..] |> Array.map number)
        SampleCounts.create "test" (names rows) samples values |> Expect.ok

/// Designs and counts of tests.
[<RequireQualifiedAccess>]
module Bulk =

    /// Equal but for so much, number by number; NaN equals NaN.
    let close (tolerance: float) (expected: float[]) (actual: float[]) =
        NUnit.Framework.Assert.That(actual, NUnit.Framework.Is.EqualTo<float>(expected).Within tolerance)

    let design formula table =
        Formula.parse formula
        |> Result.bind (fun formula -> Design.create "samples" [] formula table)
        |> Expect.ok

    let ofColumns names columns : Table = { Names = names; Columns = columns }

    let sampleNames count = Array.init count (fun at -> $"s{at}")

    /// Samples with a condition: so many of each level.
    let conditions (sizes: (string * int) list) =
        let labels =
            sizes
            |> List.toArray
            |> Array.collect (fun (level, size) -> Array.create size level)

        ofColumns (sampleNames labels.Length) [| "condition", Column.Text labels |]

    let counts (genes: float[][]) =
        let names = Array.init genes.Length (fun at -> $"g{at}")

        SampleCounts.create "test" names (sampleNames genes[0].Length) (Array.concat genes)
        |> Expect.ok

    let compareLevels level reference =
        Contrast.Levels("condition", level, reference)

    let run options design contrast counts =
        match BulkExpression.run options design [ contrast ] counts |> Expect.ok with
        | fit, [ comparison ] -> fit, comparison
        | _ -> failwith "one comparison was asked for"

    /// Rows of a design as arrays.
    let rows (design: Design) =
        Array.init design.Size (fun at -> design.Values[at * design.Width .. (at + 1) * design.Width - 1])

    let oneThread = {
        DesignOptions.standard with
            Threads = 1
    }

    /// Counts of many genes from the model itself: means from 1 to 3,000, dispersions around 0.1 + 1/mean.
    let simulate (seed: uint64) genes (design: Design) =
        Array.init genes (fun gene ->
            let stream = Random.stream seed (Purpose.named "bulk test") gene
            let mean = exp (8.0 * stream.Uniform())
            let dispersion = (0.1 + 1.0 / mean) * exp (0.4 * stream.Normal())
            let effect = if stream.Uniform() < 0.4 then stream.Normal() else 0.0

            Array.init design.Size (fun at ->
                let last = design.Values[at * design.Width + design.Width - 1]
                let depth = exp (0.3 * cos (float at * 2.3))
                float (Distributions.negativeBinomial dispersion (mean * depth * exp (effect * last)) stream)))

/// One gene's counts in 6 to 14 samples of two conditions and two batches, with size factors and a dispersion.
type SmallDesign = {
    Table: Table
    Counts: float[]
    Factors: float[]
    Dispersion: float
}

/// Generators of small designs.
type SmallDesigns =
    static member SmallDesign() =
        let make samples seed =
            let stream =
                Random.stream (uint64 (abs (int64 seed))) (Purpose.named "small design") 0

            let pick (words: string[]) at = words[at % words.Length]
            let batch = Array.init samples (fun at -> pick [| "x"; "y"; "y"; "x"; "x" |] at)
            let condition = Array.init samples (pick [| "a"; "b" |])
            let age = Array.init samples (fun _ -> 20.0 + floor (50.0 * stream.Uniform()))
            let mean = exp (1.0 + 5.0 * stream.Uniform())

            {
                Table =
                    Bulk.ofColumns (Bulk.sampleNames samples) [|
                        "condition", Column.Text condition
                        "batch", Column.Text batch
                        "age", Column.Float age
                    |]
                Counts =
                    Array.init samples (fun _ ->
                        float (Distributions.negativeBinomial 0.4 mean stream)
                        + (if stream.Uniform() < 0.1 then 3.0 else 0.0))
                Factors = Array.init samples (fun _ -> exp (0.4 * stream.Normal()))
                Dispersion = exp (-4.0 + 4.5 * stream.Uniform())
            }

        Gen.map2 make (Gen.choose (6, 14)) (Gen.choose (0, 1000000))
        |> Gen.filter (fun design ->
            let sum level =
                match design.Table.Columns[0] with
                | _, Column.Text labels ->
                    Array.map2 (fun label y -> if label = level then y else 0.0) labels design.Counts
                    |> Array.sum
                | _ -> 0.0

            let sumOfBatch level =
                match design.Table.Columns[1] with
                | _, Column.Text labels ->
                    Array.map2 (fun label y -> if label = level then y else 0.0) labels design.Counts
                    |> Array.sum
                | _ -> 0.0

            sum "a" > 0.0 && sum "b" > 0.0 && sumOfBatch "x" > 0.0 && sumOfBatch "y" > 0.0)
        |> Arb.fromGen
