namespace CoExpr.Reference

open System

/// Measures of predicted perturbations as their definitions read: whole lists, whole sets, no order of summation to mind.
module PerturbationEvaluation =

    /// The values of the columns that count.
    let private kept (leftOut: int list) (row: float[]) =
        List.ofArray row
        |> List.indexed
        |> List.filter (fun (column, _) -> not (List.contains column leftOut))
        |> List.map snd

    let l1 leftOut x y =
        List.zip (kept leftOut x) (kept leftOut y)
        |> List.sumBy (fun (a, b) -> abs (a - b))

    let l2 leftOut x y =
        List.zip (kept leftOut x) (kept leftOut y)
        |> List.sumBy (fun (a, b) -> (a - b) ** 2.0)
        |> sqrt

    let cosine leftOut x y =
        let x, y = kept leftOut x, kept leftOut y

        let length row =
            row |> List.sumBy (fun a -> a * a) |> sqrt

        if length x = 0.0 || length y = 0.0 then
            1.0
        else
            let angle =
                (List.zip x y |> List.sumBy (fun (a, b) -> a * b)) / (length x * length y)

            1.0 - angle |> max 0.0 |> min 2.0

    /// (closer, as far and before, as far) by a matrix of distances.
    let places (distance: float[] -> float[] -> float) (predicted: float[]) (real: float[][]) own =
        let distances = real |> Array.map (distance predicted)

        let count test =
            distances |> Array.indexed |> Array.filter test |> Array.length

        count (fun (_, d) -> d < distances[own]),
        count (fun (at, d) -> d = distances[own] && at < own),
        count (fun (_, d) -> d = distances[own])

    let mean (rows: float[][]) =
        Array.transpose rows |> Array.map Array.average

    /// 2 E|x − c| − E|x − x'| − E|c − c'| with every pair, a cell with itself among them.
    let energy (cells: float[][]) (control: float[][]) =
        let between (a: float[][]) (b: float[][]) =
            Array.allPairs a b |> Array.averageBy (fun (x, y) -> l2 [] x y)

        2.0 * between cells control - between cells cells - between control control

    let pearson (x: float[]) (y: float[]) =
        let centred (values: float[]) =
            let middle = Array.average values
            values |> Array.map (fun value -> value - middle)

        if Set.count (set x) < 2 || Set.count (set y) < 2 then
            nan
        else
            let x, y = centred x, centred y

            Array.sum (Array.map2 (*) x y)
            / sqrt (Array.sumBy (fun a -> a * a) x * Array.sumBy (fun a -> a * a) y)

    let spearman (x: float[]) (y: float[]) =
        let ranks (values: float[]) =
            values
            |> Array.map (fun value ->
                let lower = values |> Array.filter (fun other -> other < value) |> Array.length
                let equal = values |> Array.filter (fun other -> other = value) |> Array.length
                float lower + float (equal + 1) / 2.0)

        pearson (ranks x) (ranks y)

    /// One row of a table of differential expression.
    type Row = {
        Gene: string
        FoldChange: float
        Fdr: float
    }

    let private significant threshold rows =
        rows |> List.filter (fun row -> row.Fdr < threshold)

    /// Significant genes by falling |fold change|, those that tie in the order of the table.
    let private listed threshold rows =
        significant threshold rows |> List.sortBy (fun row -> -(abs row.FoldChange))

    let private names count rows =
        rows |> List.truncate count |> List.map (fun row -> row.Gene) |> set

    /// Share of the first k of both lists, k no longer than the list that `pick` chooses of (real, predicted).
    let agreement pick threshold k real predicted =
        let real, predicted = listed threshold real, listed threshold predicted
        let k = min k (List.length (pick (real, predicted)))

        if k = 0 then
            0.0
        else
            float (Set.count (Set.intersect (names k real) (names k predicted))) / float k

    let private tryGene gene rows =
        rows |> List.tryFind (fun row -> row.Gene = gene)

    let direction threshold real predicted =
        significant threshold real
        |> List.choose (fun row ->
            tryGene row.Gene predicted
            |> Option.map (fun other ->
                if sign row.FoldChange = sign other.FoldChange then
                    1.0
                else
                    0.0))
        |> function
            | [] -> None
            | signs -> Some(List.average signs)

    let foldChanges threshold real predicted =
        match significant threshold real with
        | [] -> None
        | rows ->
            let other row =
                match tryGene row.Gene predicted with
                | Some found -> found.FoldChange
                | None -> 0.0

            Some(
                spearman
                    (rows |> List.map (fun row -> row.FoldChange) |> List.toArray)
                    (rows |> List.map other |> List.toArray)
            )

    let recall threshold real predicted =
        match significant threshold real with
        | [] -> None
        | rows ->
            let found = significant threshold predicted |> List.map (fun row -> row.Gene) |> set

            Some(
                float (rows |> List.filter (fun row -> found.Contains row.Gene) |> List.length)
                / float rows.Length
            )

    /// Score and class of each gene of the real table.
    let private scored real predicted =
        real
        |> List.map (fun row ->
            let fdr =
                match tryGene row.Gene predicted with
                | Some found -> found.Fdr
                | None -> 1.0

            -(fdr |> max 1e-10 |> min 1.0), row.Fdr < 0.05)

    /// Area under the receiver's curve: pairs of a positive and a negative told right, half of those that tie.
    let receiver real predicted =
        let positives, negatives = scored real predicted |> List.partition snd

        if positives.IsEmpty || negatives.IsEmpty then
            nan
        else
            List.allPairs positives negatives
            |> List.averageBy (fun ((a, _), (b, _)) ->
                if a > b then 1.0
                elif a = b then 0.5
                else 0.0)

    /// Average precision: at each distinct score, from the highest, precision times the recall gained there.
    let averagePrecision real predicted =
        let all = scored real predicted
        let positives = all |> List.filter snd |> List.length

        if positives = 0 || positives = all.Length then
            nan
        else
            let at score =
                let called = all |> List.filter (fun (other, _) -> other >= score)
                let right = called |> List.filter snd |> List.length
                float right / float called.Length, float right / float positives

            all
            |> List.map fst
            |> List.distinct
            |> List.sortDescending
            |> List.map at
            |> List.scan
                (fun (_, before, sum) (precision, recall) -> (), recall, sum + precision * (recall - before))
                ((), 0.0, 0.0)
            |> List.last
            |> fun (_, _, sum) -> sum
