/**
 * The demo's invented part: who exists. Where their temperatures come from is told in `recorded.ts`.
 */

export interface DemoUnit {
  readonly id: string;
  readonly name: string;
  readonly kind: 'container' | 'truck' | 'cold room';
  /** Degrees Celsius outside, above which this unit's cooling would run out of reserve: then it raises its alarm. */
  readonly limit: number;
  /** Local time of the recorded series at which the unit begins to replay it. */
  readonly from: string;
}

export interface DemoSite {
  readonly id: string;
  readonly name: string;
  readonly units: readonly DemoUnit[];
}

export interface DemoOrg {
  readonly id: string;
  readonly name: string;
  readonly sites: readonly DemoSite[];
}

/** Fictitious. Ids are unique in their org only, as in any other org's data. */
export const orgs: readonly DemoOrg[] = [
  {
    id: 'demo-northwind',
    name: 'Northwind Produce',
    sites: [
      {
        id: 'pier-4',
        name: 'Pier 4',
        units: [
          { id: 'reefer-17', name: 'Reefer 17', kind: 'container', limit: 22, from: '2010-07-14T06:00:00' },
          { id: 'reefer-18', name: 'Reefer 18', kind: 'container', limit: 22.5, from: '2010-07-14T04:00:00' },
          { id: 'reefer-23', name: 'Reefer 23', kind: 'container', limit: 21, from: '2010-06-20T09:00:00' },
        ],
      },
      {
        id: 'orchard-road',
        name: 'Orchard Road',
        units: [
          {
            id: 'apple-store',
            name: 'Apple store',
            kind: 'cold room',
            limit: 20,
            from: '2010-09-12T00:00:00',
          },
          {
            id: 'berry-store',
            name: 'Berry store',
            kind: 'cold room',
            limit: 19,
            from: '2010-09-03T12:00:00',
          },
        ],
      },
      {
        id: 'on-the-road',
        name: 'On the road',
        units: [
          { id: 'truck-7', name: 'Truck 7', kind: 'truck', limit: 23, from: '2010-08-02T11:00:00' },
          { id: 'truck-12', name: 'Truck 12', kind: 'truck', limit: 16, from: '2010-05-08T07:00:00' },
        ],
      },
    ],
  },
  {
    id: 'demo-alder',
    name: 'Alder Pharma',
    sites: [
      {
        id: 'central',
        name: 'Central depot',
        units: [
          { id: 'room-a', name: 'Room A', kind: 'cold room', limit: 14, from: '2010-10-04T03:00:00' },
          { id: 'room-b', name: 'Room B', kind: 'cold room', limit: 14.5, from: '2010-10-04T06:00:00' },
          { id: 'room-c', name: 'Room C', kind: 'cold room', limit: 15, from: '2010-04-24T10:00:00' },
        ],
      },
      {
        id: 'airport',
        name: 'Airport',
        units: [
          { id: 'uld-301', name: 'ULD 301', kind: 'container', limit: 23, from: '2010-07-28T08:00:00' },
          { id: 'uld-302', name: 'ULD 302', kind: 'container', limit: 22, from: '2010-08-10T15:00:00' },
        ],
      },
      {
        id: 'couriers',
        name: 'Couriers',
        units: [
          { id: 'van-3', name: 'Van 3', kind: 'truck', limit: 17, from: '2010-05-19T05:00:00' },
          { id: 'van-5', name: 'Van 5', kind: 'truck', limit: 18, from: '2010-06-02T13:00:00' },
        ],
      },
    ],
  },
];
